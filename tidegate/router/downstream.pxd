from tidegate.router.intake cimport Intake

cdef int _HELD, _RESPONDING, _FOR_UPSTREAM, _HEAD, _TUNNEL
cdef double _LINGER_SECONDS

cdef class Downstream(Intake):
    cpdef data_received(self, bytes data)
