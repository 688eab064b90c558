cimport cython

from tidegate.http1.events cimport Limits
from tidegate.matcher cimport Matcher
from tidegate.router.accesslog cimport line
from tidegate.router.counters cimport Counters, bucket
from tidegate.router.exchange cimport Exchange
from tidegate.router.link cimport Link
from tidegate.router.live cimport LiveRoute
from tidegate.router.timers cimport Wheel
from tidegate.router.upstream cimport Upstream

cdef class Core:
    cdef public Limits limits
    cdef public double head_timeout
    cdef public double idle_timeout
    cdef public double body_timeout
    cdef public double half_close
    cdef public double tunnel_idle
    cdef public Py_ssize_t hold_queue
    cdef public Py_ssize_t upstream_idle
    cdef public list trusted
    cdef public int secure_port
    cdef public object clock
    cdef public Wheel wheel
    cdef public Matcher matcher
    cdef public list ledger
    cdef public Counters unrouted
    cdef public dict failures
    cdef public set connections
    cdef public dict tunnels
    cdef public long long accepted
    cdef public bint draining
    cdef public Py_ssize_t bound
    cdef public int pressure
    cdef public long long refused
    cdef public long long evicted
    cdef public bint ready
    cdef public bint logging
    cdef public list lines
    cdef public bytes stamp
    cdef public object recorder
    cdef public object observer
    cdef public object connect
    cdef public object wake_soon
    cdef public object find_route
    cdef public object failed
    cdef public object answered
    cdef public object wake_all
    cdef public object on_empty
    cdef public object enquire
    cdef public dict pages
    cdef public object crowded

    cpdef opened(self, object connection)
    cpdef lost(self, object connection)
    @cython.locals(upstream=Upstream)
    cpdef put_back(self, Link connection, double now)

    @cython.locals(
        duration_us="long long",
        upstream_us="long long",
        received="long long",
        sent="long long",
        status=int,
        index=int,
        upstream_index=int,
        route=LiveRoute,
        counters=Counters,
        upstream=Upstream,
    )
    cpdef finished(self, Exchange exchange, double now)
    cdef _failure(self, Exchange exchange)
