cimport cython

from tidegate.dns.wire cimport Query

cdef class LoopCheck:
    cdef bytes _apex

    cpdef bytes answer(self, Query query)
