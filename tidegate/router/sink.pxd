from tidegate.http1.events cimport ResponseHead
from tidegate.router.link cimport Link
from tidegate.router.timers cimport Timed

cdef class Sink(Timed):
    cpdef bint wants_bare_body(self)
    cpdef bint wants_tunnel(self)
    cpdef interim(self, ResponseHead head)
    cpdef response_start(self, ResponseHead head, bytes body, Py_ssize_t size, double now)
    cpdef response_data(self, bytes data, Py_ssize_t size)
    cpdef response_encoded(self, bytes data, Py_ssize_t size)
    cpdef response_end(self, Link connection, bint reusable, double now)
    cpdef upstream_lost(self, Link connection, bint untouched)
    cpdef upstream_failed(self, object reason)
    cpdef start_tunnel(self, Link connection, ResponseHead head, bytes rest)
    cpdef pause_reading_for_upstream(self)
    cpdef resume_reading_for_upstream(self)
