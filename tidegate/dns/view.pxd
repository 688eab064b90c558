cdef class Asker:
    cdef public bint is_confined
    cdef public int lane
    cdef public bint limited
    cdef public bytes local
    cdef public frozenset networks
    cdef public int ra
    cdef public str protocol
    cdef public bint recursion
    cdef public bytes source
    cdef public bint stream
    cdef public object view
