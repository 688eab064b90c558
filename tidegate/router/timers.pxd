cimport cython

cdef class Wheel:
    cdef public long long tick
    cdef public dict slots

    @cython.locals(due="long long")
    cpdef arm(self, object owner, double deadline)
    cpdef list turn(self, double now)
