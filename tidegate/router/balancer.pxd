cimport cython

cdef class Rotation:
    cdef public list items
    cdef public list weights
    cdef public list credit
    cdef public Py_ssize_t size
    cdef public long total
    cdef public bint even
    cdef public Py_ssize_t next

    @cython.locals(index=Py_ssize_t, best=Py_ssize_t, highest=long, gained=long)
    cpdef pick(self)

cdef class Balancer:
    cdef public Rotation backends

    cpdef bint ready(self)

    @cython.locals(backends=Rotation, rotation=Rotation)
    cpdef pick(self, list tried)

    @cython.locals(rotation=Rotation)
    cdef _pick_untried(self, Rotation first, list tried)
