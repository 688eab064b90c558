cimport cython

cdef class Entropy:
    cdef bytes _buffer
    cdef Py_ssize_t _at

    cpdef bytes ident(self)

    @cython.locals(drawn=bytes)
    cpdef int below(self, int number)

    @cython.locals(end=Py_ssize_t, found=bytes)
    cdef bytes _take(self, Py_ssize_t size)
