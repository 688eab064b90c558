cimport cython

from tidegate.dns.batch cimport Batch
from tidegate.dns.copies cimport Copies
from tidegate.dns.desk cimport Desk
from tidegate.dns.view cimport Asker
from tidegate.dns.zone cimport Zone

cdef Py_ssize_t _MISSING, _UNFIT

cdef class Datagrams:
    cdef Desk _desk
    cdef Batch _batch
    cdef Py_ssize_t _current
    cdef bint _has_late

    @cython.locals(taken=Batch, desk=Desk, zone=Zone, copies=Copies, count=Py_ssize_t, replies=Py_ssize_t, is_logged=bint, is_plain=bint,
                   index=Py_ssize_t, found=Py_ssize_t, data=bytes, asker=Asker, reply=bytes)
    cpdef on_readable(self)

    cpdef _later(self)

    cpdef _send(self, object path, bytes reply)

    cpdef _flush_late(self)

    cdef _flush(self)
