cimport cython

from tidegate.dns.tally cimport Tally

cdef class Variant:
    cdef public tuple records
    cdef public bytes tail
    cdef public bytes counts
    cdef public bytes counts_opt

cdef class Answer:
    cdef public Tally tally
    cdef public int rcode
    cdef public object ede
    cdef public tuple authority
    cdef public tuple additional
    cdef public list variants
    cdef public Py_ssize_t missing
    cdef public object orders
    cdef public dict made
    cdef public Py_ssize_t turn
    cdef public dict views

    @cython.locals(turn=Py_ssize_t, variant=Variant)
    cpdef Variant next(self)

    @cython.locals(variant=Variant)
    cpdef Variant make(self, Py_ssize_t turn)
