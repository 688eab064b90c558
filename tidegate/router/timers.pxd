cimport cython

cdef class Timed:
    cdef public double deadline
    cdef public long long armed

cdef class Wheel:
    cdef public long long tick
    cdef public dict slots
    cdef public list rest
    cdef public bint is_behind

    @cython.locals(due="long long", slot=list)
    cpdef arm(self, Timed owner, double deadline)

    @cython.locals(current="long long", left="long long", owner=Timed, late=list)
    cpdef list turn(self, double now)
