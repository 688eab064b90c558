cimport cython

from tidegate.http1.authority cimport split_authority
from tidegate.http1.chunks cimport ChunkReader
from tidegate.http1.events cimport RequestHead, ResponseHead
from tidegate.http1.request cimport parse_request
from tidegate.router.core cimport Core
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute
from tidegate.router.upstream cimport Sink, Upstream, UpstreamConnection

cdef int _NONE, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _CLAIMED, _HELD, _RESPONDING, _NORMAL, _MAINTENANCE
cdef int _HEAD, _BODY, _WAIT, _DISCARD, _TUNNEL, _FOR_PENDING, _FOR_UPSTREAM, _MAX_PENDING
cdef double _LINGER_SECONDS

cdef class Downstream(Sink):
    cdef public Core core
    cdef public object transport
    cdef public object write
    cdef public bytes client
    cdef public bint trusted
    cdef public int phase
    cdef public bytes pending
    cdef public RequestHead head
    cdef public Exchange exchange
    cdef public UpstreamConnection connection
    cdef public long long left
    cdef public ChunkReader chunks
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
    cdef public bytes forwarded

    cpdef data_received(self, bytes data)

    @cython.locals(at=Py_ssize_t, size=Py_ssize_t, head=RequestHead)
    cdef _consume(self, bytes data)

    @cython.locals(core=Core, now=double, exchange=Exchange, framing=int, route=LiveRoute)
    cdef _begin(self, RequestHead head)

    @cython.locals(exchange=Exchange, route=LiveRoute, upstream=Upstream, connection=UpstreamConnection)
    cdef _dispatch(self, double now)

    @cython.locals(exchange=Exchange)
    cdef _hold(self, double now)

    @cython.locals(exchange=Exchange, head=RequestHead, last=bytes, host=bytes, forwarded=bytes)
    cdef _send(self, UpstreamConnection connection, double now)

    cdef bytes _forwarded(self, RequestHead head)

    @cython.locals(exchange=Exchange, before="long long", out=bytes, take=Py_ssize_t, piece=bytes)
    cdef Py_ssize_t _body(self, bytes data, Py_ssize_t at, Py_ssize_t size)

    cdef _request_complete(self)
    cdef _resume(self)
    cdef _block(self, int why)

    @cython.locals(exchange=Exchange, framing=int, length=bytes, last=bytes)
    cpdef response_start(self, ResponseHead head, bytes body, Py_ssize_t size, double now)

    @cython.locals(exchange=Exchange)
    cpdef response_data(self, bytes data, Py_ssize_t size)

    @cython.locals(exchange=Exchange)
    cpdef response_end(self, UpstreamConnection connection, bint reusable, double now)

    cdef _refuse(self, object reason)

    @cython.locals(exchange=Exchange, now=double)
    cdef _fail(self, object reason)

    @cython.locals(upstream=Upstream)
    cdef _finish(self, Exchange exchange, object reason, double now)

    @cython.locals(core=Core)
    cdef _next(self, double now)
