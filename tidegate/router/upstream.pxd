cimport cython

from tidegate.http1.chunks cimport ChunkReader
from tidegate.http1.events cimport Limits, ResponseHead
from tidegate.http1.response cimport parse_response
from tidegate.router.counters cimport Counters
from tidegate.router.timers cimport Timed

cdef int _NONE, _LENGTH, _CHUNKED, _IDLE, _HEAD, _BODY, _CHUNKS, _UNTIL_CLOSE, _TUNNEL

cdef class Sink(Timed):
    cpdef bint wants_bare_body(self)
    cpdef bint wants_tunnel(self)
    cpdef interim(self, ResponseHead head)
    cpdef response_start(self, ResponseHead head, bytes body, Py_ssize_t size, double now)
    cpdef response_data(self, bytes data, Py_ssize_t size)
    cpdef response_encoded(self, bytes data, Py_ssize_t size)
    cpdef response_end(self, UpstreamConnection connection, bint reusable, double now)
    cpdef upstream_lost(self, UpstreamConnection connection, bint untouched)
    cpdef upstream_failed(self, object reason)
    cpdef start_tunnel(self, UpstreamConnection connection, ResponseHead head, bytes rest)
    cpdef pause_reading_for_upstream(self)
    cpdef resume_reading_for_upstream(self)

cdef class Upstream:
    cdef public object endpoint
    cdef public object address
    cdef public object host
    cdef public object port
    cdef public object on_empty
    cdef public Counters counters
    cdef public list idle
    cdef public dict secure_idle
    cdef public long in_flight
    cdef public long connections
    cdef public long failures
    cdef public bint draining
    cdef public double since
    cdef public bint trial
    cdef public bint ejected
    cdef public object watchers
    cdef public object on_room
    cdef public bytes log_part

    @cython.locals(connection=UpstreamConnection)
    cpdef UpstreamConnection take(self)
    cpdef put(self, UpstreamConnection connection, Py_ssize_t limit)
    cpdef released(self)

cdef class UpstreamConnection:
    cdef public Upstream upstream
    cdef public Limits limits
    cdef public object clock
    cdef public object transport
    cdef public object write
    cdef public Sink downstream
    cdef public int phase
    cdef public int framing
    cdef public long long left
    cdef public bytes held
    cdef public object tls
    cdef public ChunkReader chunks
    cdef public bint head_only
    cdef public bint reusable
    cdef public long served
    cdef public double idle_since
    cdef public bint closed

    @cython.locals(now=double)
    cpdef data_received(self, bytes data)
    cpdef serve(self, Sink downstream, bint head_only)
    cpdef close(self)

    @cython.locals(head=ResponseHead, at=Py_ssize_t, size=Py_ssize_t, framing=int, body=bytes)
    cdef _head(self, bytes data, double now)
    @cython.locals(size=Py_ssize_t)
    cdef _body(self, bytes data, double now)
    @cython.locals(chunks=ChunkReader, before="long long", out=bytes)
    cdef _chunked(self, bytes data, Py_ssize_t at, double now)
    @cython.locals(downstream=Sink)
    cdef _done(self, double now)
