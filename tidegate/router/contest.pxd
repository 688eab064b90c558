cimport cython

from tidegate.router.balancer cimport Group
from tidegate.router.upstream cimport Upstream

cdef unsigned long long _MASK, _START

cdef class Contest(Group):
    cdef public list ends
    cdef public bint even
    cdef public long total
    cdef public unsigned long long dice

    @cython.locals(first=Py_ssize_t, second=Py_ssize_t)
    cpdef pick(self)

    @cython.locals(roll="unsigned long", index=Py_ssize_t, place=long, before=long)
    cdef Py_ssize_t _draw(self, Py_ssize_t taken)

    @cython.locals(dice="unsigned long long")
    cdef unsigned long _roll(self)
