cimport cython

cimport tidegate.dns.coctets as raw

cdef bytes _STAR

cdef class Node:
    cdef public bytes name
    cdef public dict claims
    cdef public dict pointers
    cdef public Py_ssize_t children

cdef class Tree:
    cdef public dict nodes
    cdef frozenset _apexes
    cdef Py_ssize_t _wildcards

    @cython.locals(position=Py_ssize_t, above=bytes, found=Node)
    cpdef Node wildcard(self, bytes name)
