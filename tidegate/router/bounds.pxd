from tidegate.router.upstream cimport Upstream

cdef class Bounds:
    cdef public long requests
    cdef public list tried
    cdef public bint full

    cpdef bint allows(self, Upstream upstream)
