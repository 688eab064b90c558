cimport cython

from tidegate.dns.siphash cimport siphash

cdef class Jar:
    cdef unsigned long long _low
    cdef unsigned long long _high
    cdef public long long now

    cpdef bytes record(self, bytes cookie, bytes source, bint do)

    cpdef bytes option(self, bytes cookie, bytes source)

    cpdef bint is_ours(self, bytes cookie, bytes source)

    cdef bytes _full(self, bytes cookie, bytes source)

    cdef bint _is_made(self, bytes cookie, bytes source)

    @cython.locals(age="long long", made="unsigned int")
    cdef bint _is_recent(self, bytes cookie, int seconds)

    cdef bytes _made(self, bytes head, bytes source)
