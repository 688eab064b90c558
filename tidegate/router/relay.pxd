cimport cython

from tidegate.http1.events cimport RequestHead
from tidegate.router.connection cimport UpstreamConnection
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute
from tidegate.router.onward cimport request_head, told_client, told_host
from tidegate.router.reply cimport Reply
from tidegate.router.upstream cimport Upstream

cdef int _CLAIMED, _HELD, _NORMAL, _MAINTENANCE

cdef class Relay(Reply):
    @cython.locals(exchange=Exchange, route=LiveRoute, upstream=Upstream, connection=UpstreamConnection)
    cdef dispatch(self, double now)

    @cython.locals(exchange=Exchange)
    cdef _hold(self, double now)

    @cython.locals(upstream=Upstream, connection=UpstreamConnection)
    cdef UpstreamConnection _idle(self, Exchange exchange, LiveRoute route)

    cdef bint _repeatable(self, Exchange exchange)

    @cython.locals(exchange=Exchange, route=LiveRoute, head=RequestHead, host=bytes, forwarded=bytes)
    cdef _send(self, UpstreamConnection connection, double now)
