cimport cython

from tidegate.http1.events cimport ResponseHead
from tidegate.router.exchange cimport Exchange
from tidegate.router.link cimport Link
from tidegate.router.turn cimport Turn

cdef int _NONE, _LENGTH, _CHUNKED, _UNTIL_CLOSE, _FOR_UPSTREAM

cdef class Reply(Turn):
    @cython.locals(exchange=Exchange, framing=int, length=bytes, last=bytes)
    cpdef response_start(self, ResponseHead head, bytes body, Py_ssize_t size, double now)

    @cython.locals(exchange=Exchange)
    cpdef response_data(self, bytes data, Py_ssize_t size)

    @cython.locals(exchange=Exchange)
    cpdef response_end(self, Link connection, bint reusable, double now)
