cimport cython

cdef tuple _BOUNDS
cdef Py_ssize_t _SIZE
cdef int _CLASSES, _CELLS
cdef list _NOTHING, _PACKED

@cython.locals(index=int, bound=long)
cpdef int bucket(long long microseconds)

# What each request adds to comes first, and together.
cdef class Counters:
    cdef public list ledger
    cdef public long long requests
    cdef public long long received
    cdef public long long sent
    cdef public long long duration_us
    cdef public long long upstream_us
    cdef unsigned int cells[40]
    cdef public long long retries
    cdef public long long held
    cdef public long long held_us
    cdef public long long opened
    cdef public object kind
    cdef public tuple key

    @cython.locals(at=int)
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
    @cython.locals(used=int, at=int, taken=list)
    cpdef take(self)
