cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport message, rebind, special, wire
from tidegate.dns.alarms cimport Alarms
from tidegate.dns.cache cimport Cache, Entry
from tidegate.dns.copies cimport Copies
from tidegate.dns.entropy cimport Entropy
from tidegate.dns.failures cimport Failures
from tidegate.dns.group cimport Group, Groups
from tidegate.dns.inquiry cimport Inquiry, Waiter
from tidegate.dns.loop cimport LoopCheck
from tidegate.dns.message cimport Message
from tidegate.dns.upstream cimport Upstream, query_for
from tidegate.dns.view cimport Asker
from tidegate.dns.wire cimport Query

cdef class UpstreamForwarder:
    cdef object _config
    cdef double _total_seconds
    cdef double _stale_seconds
    cdef Cache _cache
    cdef Copies _copies
    cdef Failures _failures
    cdef Entropy _entropy
    cdef LoopCheck _loops
    cdef object _watch
    cdef dict _upstreams
    cdef Groups _groups
    cdef frozenset _trusted
    cdef dict _inquiries
    cdef Alarms _alarms
    cdef int _waiting
    cdef Upstream _by
    cdef object _counts
    cdef object _when_done
    cdef object _when_late
    cdef long long _tries
    cdef long long _hedges
    cdef long long _answered
    cdef public object _clock

    cpdef Copies copies(self, long shape)

    cpdef bytes recall(self, bytes data, Asker asker, long shape)

    @cython.locals(key=bytes, now=double, found=Entry, reply=bytes)
    cpdef bytes take(self, Query query, Py_ssize_t room, long shape, object send)

    @cython.locals(stale=Message, inquiry=Inquiry, is_new=bint, reply=bytes)
    cdef bytes _miss(self, bytes key, Query query, Py_ssize_t room, long shape, object send, double now)

    cdef Inquiry _inquire(self, bytes key, bytes name)

    @cython.locals(key=bytes)
    cdef _refresh(self)

    @cython.locals(waiter=Waiter)
    cpdef _on_late(self, Inquiry inquiry)

    @cython.locals(key=bytes, now=double, waiters=list, waiter=Waiter)
    cpdef _on_done(self, Inquiry inquiry, Message found)

    cdef list _dismissed(self, Inquiry inquiry)

    cdef bytes _poor(self, Query query, Py_ssize_t room, Message stale, Message found, int ede)

    @cython.locals(clean=Message, group=Group)
    cdef Message _checked(self, bytes name, Message found)

    cdef double _now(self)
