cimport cython

cdef double _TICK

cdef class Alarms:
    cdef dict _ticks
    cdef object _timer
    cdef long long _first

    @cython.locals(tick="long long", found=list)
    cpdef set(self, object sleeper, double when)
