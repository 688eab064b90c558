cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport wire
from tidegate.dns.copies cimport Copies
from tidegate.dns.tally cimport Durations, Meter, Tally
from tidegate.dns.view cimport Asker
from tidegate.dns.wire cimport Query
from tidegate.dns.zone cimport Zone

cdef class Errand:
    cdef public Query query
    cdef public Asker asker
    cdef public Py_ssize_t size
    cdef public double began
    cdef Desk _desk
    cdef object _to_send
    cdef object _send

    cpdef waits(self)

cdef class Desk:
    cdef public Zone zone
    cdef public object log
    cdef public object clock
    cdef public object gate
    cdef public object dropped
    cdef public long long blocked
    cdef public dict durations
    cdef long _open
    cdef object _idle
    cdef object _forwarder

    @cython.locals(held=bytes)
    cpdef bytes take(self, bytes data, Asker asker, object send)

    @cython.locals(began=double, reply=bytes, query=Query, errand=Errand)
    cpdef bytes long_way(self, bytes data, Asker asker, object send)

    cpdef Copies copies(self)

    cpdef opened(self)

    @cython.locals(found=bytes, durations=Durations)
    cpdef bytes arrived(self, Errand errand, bytes reply)

    @cython.locals(query=Query, asker=Asker, room=Py_ssize_t, reply=bytes)
    cdef bytes _foreign(self, Errand errand)

    @cython.locals(end=Py_ssize_t, do=bint, meter=Meter, tally=Tally)
    cdef bytes _recalled(self, bytes data, Asker asker, bytes reply)

    @cython.locals(query=Query, asker=Asker, meter=Meter, tally=Tally)
    cdef bytes _settled(self, Errand errand, bytes reply, object source, int rcode)
