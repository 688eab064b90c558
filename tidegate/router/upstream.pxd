cimport cython

from tidegate.router.counters cimport Counters
from tidegate.router.link cimport Link

cdef class Upstream:
    cdef public object endpoint
    cdef public object address
    cdef public object host
    cdef public object port
    cdef public object on_empty
    cdef public Counters counters
    cdef public list idle
    cdef public dict secure_idle
    cdef public long in_flight
    cdef public long connections
    cdef public long failures
    cdef public bint draining
    cdef public double since
    cdef public int trial
    cdef public bint ejected
    cdef public object watchers
    cdef public object on_room
    cdef public bytes log_part

    @cython.locals(connection=Link)
    cpdef Link take(self)
    cpdef put(self, Link connection, Py_ssize_t limit)
    cpdef released(self)
