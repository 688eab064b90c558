cimport cython

cdef tuple _BOUNDS
cdef Py_ssize_t _SIZE

@cython.locals(index=int, bound=long)
cpdef int bucket(long long microseconds)

cdef class Counters:
    cdef public object kind
    cdef public tuple key
    cdef public list ledger
    cdef public long long requests
    cdef public long long received
    cdef public long long sent
    cdef public long long duration_us
    cdef public long long upstream_us
    cdef public long long retries
    cdef public long long held
    cdef public long long held_us
    cdef public long long opened
    cdef public list classes
    cdef public list buckets
    cdef public list upstream_buckets

    cdef _reset(self)
    cpdef add(
        self,
        int status,
        long long received,
        long long sent,
        long long duration_us,
        int duration_bucket,
        long long upstream_us,
        int upstream,
    )
    cpdef take(self)
