cimport cython

from tidegate.http1.writer cimport number
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute
from tidegate.router.upstream cimport Upstream

cdef Py_ssize_t _CAP

@cython.locals(view="const unsigned char *", unsafe="const unsigned char *", at=Py_ssize_t)
cpdef bytes escape(bytes raw)

@cython.locals(first_us="long long", route=LiveRoute, upstream=Upstream)
cpdef bytes line(Exchange exchange, bytes stamp, long long duration_us)
