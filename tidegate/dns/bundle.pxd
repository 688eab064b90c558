cimport cython

cimport tidegate.dns.coctets as raw

cdef Py_ssize_t _DEPTH, _TAKEN, _QUERY_SIZE, _ANSWER_SIZE, _HEAD_SIZE

cdef class Bundle:
    cdef public Py_ssize_t count

    cpdef add(self, bytes ident, bytes query)

    cpdef list send(self, object sock)

    cpdef Py_ssize_t receive(self, object sock) except -1

    cpdef bytes data(self, Py_ssize_t index)

cdef class ManyBundle(Bundle):
    cdef tuple _outgoing
    cdef tuple _incoming
    cdef raw.Octets _queries
    cdef raw.Octets _vectors
    cdef raw.Octets _out
    cdef raw.Octets _answers
    cdef raw.Octets _in

    @cython.locals(at=Py_ssize_t)
    cpdef add(self, bytes ident, bytes query)

    @cython.locals(failed=list, descriptor=int, sent=Py_ssize_t, done=Py_ssize_t)
    cpdef list send(self, object sock)

    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t receive(self, object sock) except -1

    cpdef bytes data(self, Py_ssize_t index)
