cimport cython

cdef class Group:
    cdef public tuple items
    cdef public Py_ssize_t size
    cdef public list weights

    cpdef pick(self)
    cpdef pick_for(self, unsigned long long key)
    cpdef pick_allowed(self, unsigned long long key, object bounds)

cdef class Rotation(Group):
    cdef public Py_ssize_t next
    cdef public bint even
    cdef public list credit
    cdef public long total

    @cython.locals(index=Py_ssize_t, best=Py_ssize_t, highest=long, gained=long)
    cpdef pick(self)

cdef class Balancer:
    cdef public Group backends
    cdef public tuple names

    cpdef bint ready(self)

    @cython.locals(backends=Group, group=Group)
    cpdef pick(self, list tried)

    @cython.locals(backends=Group, group=Group)
    cpdef pick_allowed(self, unsigned long long key, object bounds)

    @cython.locals(group=Group)
    cdef _pick_untried(self, Group first, list tried)
