cimport cython

cdef class Standing:
    cdef public object state
    cdef public double rtt
    cdef public double high
    cdef public int failures
    cdef int _answers
    cdef double _asked_at
    cdef double _retry_at
    cdef double _retry_seconds

    @cython.locals(idle=double)
    cpdef double rank(self, double now)

    cpdef double hedge_seconds(self)

    cpdef asked(self, double now)

    @cython.locals(was_down=bint)
    cpdef bint answered(self, double seconds)

    cpdef failed(self, double now)

    cpdef refused(self)

    cpdef bint takes_trial(self, double now)
