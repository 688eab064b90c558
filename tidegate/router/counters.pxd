cimport cython

cdef class Counters:
    cdef public object kind
    cdef public tuple key
    cdef public list ledger
    cdef public long long requests
    cdef public long long received
    cdef public long long sent
    cdef public long long duration_us
    cdef public list classes
    cdef public list buckets

    cdef _reset(self)
    @cython.locals(index=Py_ssize_t, bound=long)
    cpdef add(self, int status, long long duration_us, long long received, long long sent)
    cpdef take(self)
