from tidegate.router.upstream cimport Upstream

cdef class Bounds:
    cdef public long requests
    cdef public long connections
    cdef public list tried
    cdef public bint full

    cpdef bint allows(self, Upstream upstream)
    cpdef bint has_room(self, Upstream upstream)
