cimport cython

from tidegate.http1.writer cimport number
from tidegate.router.accesslog cimport escape
from tidegate.router.exchange cimport Exchange
from tidegate.router.upstream cimport Upstream

cdef int _TEXT, _TIME, _TIME_COMMON, _CLIENT, _METHOD, _HOST, _TARGET, _PATH, _QUERY
cdef int _PROTOCOL, _STATUS, _RECEIVED, _SENT, _TRIES, _ROUTE, _SERVICE, _VERSION
cdef int _ENDPOINT, _ADDRESS, _REASON, _AGENT, _REFERER, _REQUEST_ID, _TRACE_ID, _HEADER
cdef int _DURATION, _FIRST_BYTE, _UPSTREAM, _HELD, _FIRST_TIME

cdef class Template:
    cdef public list codes
    cdef public list texts
    cdef public Py_ssize_t size
    cdef public bint json
    cdef public bint headers

    @cython.locals(pieces=list, at=Py_ssize_t, code=int)
    cpdef bytes render(self, Exchange exchange, bytes stamp, bytes stamp_common, long long duration_us)
    cdef bytes _escape(self, bytes value)

@cython.locals(view="const unsigned char *", at=Py_ssize_t, octet=int)
cpdef bytes escape_text(bytes raw)

@cython.locals(at=int, kind=int, value="long long")
cdef bytes _time(int code, Exchange exchange, long long duration_us)
cdef bytes _count(int code, Exchange exchange)
cdef bytes _word(int code, Exchange exchange, bytes name)
cdef bytes _from_target(int code, Exchange exchange)
@cython.locals(upstream=Upstream)
cdef bytes _from_peers(int code, Exchange exchange)
