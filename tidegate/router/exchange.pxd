cimport cython

from tidegate.router.live cimport LiveRoute
from tidegate.router.upstream cimport Upstream

cdef class Exchange:
    cdef public bytes method
    cdef public bytes host
    cdef public bytes target
    cdef public bytes client
    cdef public bytes agent
    cdef public bytes referer
    cdef public double started
    cdef public double first_byte
    cdef public double held_at
    cdef public double hold_until
    cdef public double sent_at
    cdef public object notes
    cdef public bint secure
    cdef public int state
    cdef public LiveRoute route
    cdef public Upstream upstream
    cdef public list tried
    cdef public unsigned long long key
    cdef public bytes mark
    cdef public bint moved
    cdef public bint safe
    cdef public double ends
    cdef public bint counted
    cdef public int tries
    cdef public int reached
    cdef public int status
    cdef public object reason
    cdef public long long received
    cdef public long long sent

    cpdef begin(self, bytes method, bytes host, bytes target, bytes client, double now)
    cpdef routed(self, LiveRoute route)
    @cython.locals(upstream=Upstream, route=LiveRoute)
    cpdef Upstream choose(self)
    cpdef bint hold(self, double now)
    @cython.locals(upstream=Upstream)
    cpdef bint give_up(self, bint safe)
    cpdef responding(self, int status, double now)
    cpdef finish(self, object reason)
    cpdef long long upstream_us(self)
    cpdef long long held_us(self, long long duration_us)
    cpdef bint count(self)
    cpdef bint queue(self, double now)
