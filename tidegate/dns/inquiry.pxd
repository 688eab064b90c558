cimport cython

from tidegate.dns.alarms cimport Alarms
from tidegate.dns.group cimport Group
from tidegate.dns.message cimport Message
from tidegate.dns.upstream cimport Try, Upstream
from tidegate.dns.wire cimport Query

cdef class Waiter:
    cdef public Query query
    cdef public Py_ssize_t room
    cdef public object send

cdef class Inquiry:
    cdef public bytes key
    cdef public list waiters
    cdef public Message stale
    cdef public bint is_late
    cdef public Upstream by
    cdef public int tries
    cdef public int hedges
    cdef public long shape
    cdef bytes _query
    cdef Group _group
    cdef object _done
    cdef object _late
    cdef object _loop
    cdef list _first
    cdef list _again
    cdef list _silent
    cdef list _spare
    cdef int _open
    cdef Message _fallback
    cdef bint _is_over
    cdef Alarms _alarms
    cdef double _alarm_at
    cdef double _deadline
    cdef double _hedge_at
    cdef double _stale_at

    cpdef offer(self, Message stale, double seconds)

    @cython.locals(now=double)
    cpdef start(self, double total_seconds)

    @cython.locals(seconds=double, upstream=Upstream)
    cdef double _longest(self)

    cdef _try_out(self, double now)

    @cython.locals(upstream=Upstream)
    cdef _next(self, double now)

    cpdef _on_answer(self, Try asking, Message found)

    @cython.locals(due=double)
    cdef _arm(self)

    @cython.locals(now=double)
    cpdef wake(self)

    cdef list _take_spare(self)

    cdef _end(self, Message found)
