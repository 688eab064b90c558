cimport cython

from tidegate.http1.chunks cimport ChunkReader
from tidegate.http1.events cimport Limits, ResponseHead
from tidegate.http1.response cimport parse_response
from tidegate.router.link cimport Link
from tidegate.router.sink cimport Sink

cdef int _NONE, _LENGTH, _CHUNKED, _IDLE, _HEAD, _BODY, _CHUNKS, _UNTIL_CLOSE, _TUNNEL

cdef class UpstreamConnection(Link):
    cdef public Limits limits
    cdef public object clock
    cdef public Sink downstream
    cdef public int phase
    cdef public int framing
    cdef public long long left
    cdef public bytes held
    cdef public ChunkReader chunks
    cdef public bint head_only
    cdef public bint reusable

    @cython.locals(now=double)
    cpdef data_received(self, bytes data)
    cpdef serve(self, Sink downstream, bint head_only)

    @cython.locals(head=ResponseHead, at=Py_ssize_t, size=Py_ssize_t, framing=int, body=bytes)
    cdef _head(self, bytes data, double now)
    @cython.locals(size=Py_ssize_t)
    cdef _body(self, bytes data, double now)
    @cython.locals(chunks=ChunkReader, before="long long", out=bytes)
    cdef _chunked(self, bytes data, Py_ssize_t at, double now)
    @cython.locals(downstream=Sink)
    cdef _done(self, double now)
