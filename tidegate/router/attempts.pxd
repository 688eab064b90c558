cimport cython

from tidegate.router.connection cimport UpstreamConnection
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute
from tidegate.router.relay cimport Relay
from tidegate.router.upstream cimport Upstream

cdef int _CLAIMED

cdef class Attempts(Relay):
    @cython.locals(upstream=Upstream, route=LiveRoute, connection=UpstreamConnection, due=double, silent=double)
    cdef look(self, Exchange exchange, double now)

    @cython.locals(upstream=Upstream, route=LiveRoute, connection=UpstreamConnection)
    cdef late(self, Exchange exchange)

    cdef double due(self, Exchange exchange)
    cdef double body_patience(self, Exchange exchange)
    cdef double _sent(self, Exchange exchange)
