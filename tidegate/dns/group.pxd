cimport cython

from tidegate.dns cimport special
from tidegate.dns.upstream cimport Upstream

cdef class Group:
    cdef public tuple upstreams
    cdef public bint is_trusted

    @cython.locals(only=Upstream)
    cpdef list ranked(self, double now)

    @cython.locals(each=Upstream)
    cpdef Upstream on_trial(self, double now)

    @cython.locals(found=list, each=Upstream, rank=double, place=Py_ssize_t)
    cdef list _in(self, object state, double now)

cdef class Groups:
    cdef public Group general
    cdef dict _zones
    cdef frozenset _apexes

    cpdef Group of(self, bytes name)

cdef double _rank(Upstream upstream, double now) except? -1
