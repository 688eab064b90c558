cimport cython

from tidegate.http1.events cimport RequestHead
from tidegate.router.connection cimport UpstreamConnection
from tidegate.router.core cimport Core
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute
from tidegate.router.sink cimport Sink
from tidegate.router.upstream cimport Upstream

cdef int _CLAIMED, _HELD, _RESPONDING

cdef class Turn(Sink):
    cdef public Core core
    cdef public object transport
    cdef public object write
    cdef public bytes client
    cdef public bint trusted
    cdef public bytes pending
    cdef public RequestHead head
    cdef public Exchange exchange
    cdef public UpstreamConnection connection
    cdef public object chain
    cdef public object coder
    cdef public bint request_done
    cdef public bint started
    cdef public bint encode_body
    cdef public bint bare_body
    cdef public bint close_after
    cdef public int blocked
    cdef public bint write_paused
    cdef public bint busy
    cdef public bint closed
    cdef public bint ended
    cdef public long long progress
    cdef public double body_at
    cdef public bint secure
    cdef public bytes bound
    cdef public object rule
    cdef public bytes certificate
    cdef public bytes forwarded

    cdef resume(self)
    cdef begin_next(self, double now)
    cdef bytes handed_over(self)

    @cython.locals(exchange=Exchange)
    cdef arm(self, double deadline)

    @cython.locals(exchange=Exchange)
    cdef fail(self, object reason, bytes lines=*)

    @cython.locals(exchange=Exchange, now=double)
    cdef _conclude(self, object reason, bytes data)

    @cython.locals(upstream=Upstream)
    cdef finish(self, Exchange exchange, object reason, double now)

    @cython.locals(route=LiveRoute)
    cdef _judge(self, Exchange exchange, Upstream upstream)
