cimport cython

cdef class ChunkReader:
    cdef public bint bare
    cdef public int state
    cdef public long long left
    cdef public bytes held
    cdef public long long extensions
    cdef public long long trailer_bytes
    cdef public long long body_bytes
    cdef public bint done
    cdef public bint error
    cdef public Py_ssize_t end

    @cython.locals(shift=Py_ssize_t, out=list, at=Py_ssize_t, size=Py_ssize_t, stop=Py_ssize_t, line_end=Py_ssize_t)
    cpdef bytes feed(self, bytes data, Py_ssize_t start)

    cdef _emit(self, list out, bytes piece)

    @cython.locals(digits=bytes, semicolon=Py_ssize_t)
    cdef _size_line(self, bytes line)

    cdef _trailer_line(self, bytes line)

    cdef _check_partial(self, bytes data, Py_ssize_t at, Py_ssize_t size)
