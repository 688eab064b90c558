cimport cython

cdef class HostEntry:
    cdef public tuple paths
    cdef public tuple targets
    cdef public object root

cdef class Matcher:
    cdef public dict exact
    cdef public dict wildcard

    @cython.locals(dot=Py_ssize_t)
    cpdef host(self, bytes host)

    cpdef match(self, bytes host, bytes path)

    cpdef Matcher with_hosts(self, dict changes)

@cython.locals(size=Py_ssize_t, length=Py_ssize_t, index=Py_ssize_t, prefix=bytes)
cpdef match_path(HostEntry entry, bytes path)
