cdef class Link:
    cdef public object upstream
    cdef public object transport
    cdef public object write
    cdef public long served
    cdef public object tls
    cdef public double idle_since
    cdef public bint closed
    cdef public bint watched

    cpdef close(self)
