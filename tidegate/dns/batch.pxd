cimport cython

cdef class ManyBatch:
    cdef object _fd
    cdef object _sock
    cdef bint _is_v4
    cdef int _family
    cdef bytes _local
    cdef Py_ssize_t _count
    cdef Py_ssize_t _pending
    cdef object _recvmmsg
    cdef object _sendmmsg
    cdef object _names_at
    cdef object _names
    cdef object _controls_at
    cdef object _controls
    cdef object _queries
    cdef object _replies
    cdef object _in_vectors
    cdef object _vectors
    cdef object _head_at
    cdef object _head
    cdef object _out_at
    cdef object _out
    cdef object _blank

    @cython.locals(used=Py_ssize_t, count=Py_ssize_t)
    cpdef Py_ssize_t receive(self)

    @cython.locals(word=Py_ssize_t, start=Py_ssize_t)
    cpdef bytes data(self, Py_ssize_t index)

    @cython.locals(start=Py_ssize_t)
    cpdef bytes source(self, Py_ssize_t index)

    @cython.locals(start=Py_ssize_t)
    cpdef bytes local(self, Py_ssize_t index)

    @cython.locals(slot=Py_ssize_t, size=Py_ssize_t, start=Py_ssize_t, word=Py_ssize_t, control=Py_ssize_t)
    cpdef reply(self, Py_ssize_t index, bytes data)

    @cython.locals(lost=Py_ssize_t, sent=Py_ssize_t, done=Py_ssize_t)
    cpdef Py_ssize_t flush(self)
