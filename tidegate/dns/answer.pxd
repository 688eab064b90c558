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
    cdef public tuple variants
    cdef public Py_ssize_t turn
    cdef public dict views

    cpdef Variant next(self)
