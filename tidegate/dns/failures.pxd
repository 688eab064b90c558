cimport cython

from tidegate.dns.message cimport Message

cdef class Failures:
    cdef object _until

    cpdef bint holds(self, bytes key, double now)

    cpdef add(self, bytes key, Message found, double now)

    cpdef forget(self, bytes key)
