cimport cython

from tidegate.http1.events cimport RequestHead, ResponseHead
from tidegate.http1.authority cimport split_authority
from tidegate.router.connection cimport UpstreamConnection
from tidegate.router.core cimport Core
from tidegate.router.exchange cimport Exchange
from tidegate.router.link cimport Link
from tidegate.router.live cimport LiveRoute
from tidegate.router.sink cimport Sink
from tidegate.router.upstream cimport Upstream

cdef int _NONE, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _CLAIMED, _HELD, _RESPONDING, _NORMAL, _MAINTENANCE, _FOR_UPSTREAM
cdef double _ENQUIRY_SECONDS

cdef class Relay(Sink):
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
    cdef public bint secure
    cdef public bytes bound
    cdef public object rule
    cdef public bytes certificate
    cdef public bytes forwarded

    cdef resume(self)
    cdef begin_next(self, double now)
    cdef bytes handed_over(self)

    @cython.locals(exchange=Exchange, route=LiveRoute, upstream=Upstream, connection=UpstreamConnection)
    cdef dispatch(self, double now)

    @cython.locals(exchange=Exchange)
    cdef _hold(self, double now)

    @cython.locals(upstream=Upstream, connection=UpstreamConnection)
    cdef UpstreamConnection _idle(self, Exchange exchange, LiveRoute route)

    cdef bint _repeatable(self, Exchange exchange)

    @cython.locals(exchange=Exchange)
    cdef arm(self, double deadline)

    @cython.locals(route=LiveRoute)
    cdef _judge(self, Exchange exchange, Upstream upstream)

    @cython.locals(upstream=Upstream, route=LiveRoute, connection=UpstreamConnection)
    cdef late(self, Exchange exchange)

    @cython.locals(exchange=Exchange, head=RequestHead)
    cdef bint admitted(self, LiveRoute route) except -1

    @cython.locals(exchange=Exchange, head=RequestHead, last=bytes, host=bytes, forwarded=bytes)
    cdef _send(self, UpstreamConnection connection, double now)

    cdef bytes describe_client(self, RequestHead head)

    @cython.locals(exchange=Exchange, framing=int, length=bytes, last=bytes)
    cpdef response_start(self, ResponseHead head, bytes body, Py_ssize_t size, double now)

    @cython.locals(exchange=Exchange)
    cpdef response_data(self, bytes data, Py_ssize_t size)

    @cython.locals(exchange=Exchange)
    cpdef response_end(self, Link connection, bint reusable, double now)

    @cython.locals(exchange=Exchange)
    cdef fail(self, object reason, bytes lines=*)

    @cython.locals(upstream=Upstream)
    cdef finish(self, Exchange exchange, object reason, double now)

    @cython.locals(exchange=Exchange, now=double)
    cdef _conclude(self, object reason, bytes data)

    cpdef admit(self, double now)
