cimport cython

from tidegate.dns.view cimport Asker
from tidegate.dns.zone cimport Zone

cdef class Datagrams:
    cdef object _sock
    cdef object _desk
    cdef object _batch

    @cython.locals(zone=Zone, index=Py_ssize_t, data=bytes, asker=Asker, reply=bytes, lost=Py_ssize_t)
    cpdef on_readable(self)
