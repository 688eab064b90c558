cimport cython

from tidegate.dns.view cimport Asker
from tidegate.dns.zone cimport Zone

cdef Py_ssize_t _MISSING, _UNFIT

cdef class Datagrams:
    cdef object _sock
    cdef object _desk
    cdef object _batch

    @cython.locals(zone=Zone, count=Py_ssize_t, replies=Py_ssize_t, is_logged=bint, index=Py_ssize_t, found=Py_ssize_t,
                   data=bytes, asker=Asker, reply=bytes, lost=Py_ssize_t)
    cpdef on_readable(self)
