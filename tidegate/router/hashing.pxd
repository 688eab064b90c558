cimport cython

from tidegate.router.balancer cimport Group, Rotation
from tidegate.router.bounds cimport Bounds

cdef unsigned long long _MASK, _FIRST, _SECOND
cdef double _UNIT

cpdef unsigned long long mix(unsigned long long value)

cdef class Rendezvous(Group):
    cdef public list seeds
    cdef public bint even
    cdef public Rotation rotation

    @cython.locals(index=Py_ssize_t, number="unsigned long long", seed="unsigned long long", share=double, score=double, lowest=double)
    cdef _best(self, unsigned long long key, Bounds bounds)
