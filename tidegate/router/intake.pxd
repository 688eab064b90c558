cimport cython

from tidegate.http1.chunks cimport ChunkReader
from tidegate.http1.events cimport RequestHead
from tidegate.http1.request cimport parse_request
from tidegate.router.core cimport Core
from tidegate.router.entry cimport Entry
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute

cdef int _NONE, _LENGTH, _FOR_PENDING, _FOR_UPSTREAM
cdef int _SHEDDING, _HEAD, _BODY, _WAIT, _DISCARD, _TUNNEL, _MAX_PENDING
cdef double _LINGER_SECONDS

cdef class Intake(Entry):
    cdef public int phase
    cdef public long long left
    cdef public ChunkReader chunks
    cdef public bint surplus


    @cython.locals(at=Py_ssize_t, size=Py_ssize_t, head=RequestHead)
    cdef _consume(self, bytes data)

    @cython.locals(core=Core, now=double, exchange=Exchange, framing=int, route=LiveRoute)
    cdef _begin(self, RequestHead head)

    @cython.locals(exchange=Exchange, before="long long", out=bytes, take=Py_ssize_t, piece=bytes)
    cdef Py_ssize_t _body(self, bytes data, Py_ssize_t at, Py_ssize_t size)

    cdef _consumed_last(self)
    cdef _close(self)
    cdef _request_complete(self)

    @cython.locals(exchange=Exchange, patience=double)
    cdef _went_on(self)

    cdef _block(self, int why)
    cdef _refuse(self, object reason)

    @cython.locals(core=Core)
    cdef begin_next(self, double now)
