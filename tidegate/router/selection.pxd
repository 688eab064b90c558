cimport cython

from tidegate.router.balancer cimport Balancer
from tidegate.router.bounds cimport Bounds

cdef int _ANYBODY

cdef class Selection:
    cdef public Balancer balancer
    cdef public Bounds bounds
    cdef public object sticky
    cdef public list trials
    cdef public bint moved
    cdef public bint parted
    cdef public object key_kind
    cdef public bytes key_name

    @cython.locals(bounds=Bounds)
    cpdef pick(self, list tried, unsigned long long key, bytes mark, bint safe=*)

    @cython.locals(trials=list, at=Py_ssize_t)
    cdef _trial(self, Bounds bounds, bint safe)
