cimport cython

from tidegate.http1.events cimport RequestHead
from tidegate.router.attempts cimport Attempts
from tidegate.router.exchange cimport Exchange
from tidegate.router.live cimport LiveRoute

cdef int _HELD
cdef double _ENQUIRY_SECONDS

cdef class Entry(Attempts):
    @cython.locals(exchange=Exchange, head=RequestHead)
    cdef bint admitted(self, LiveRoute route) except -1

    cpdef admit(self, double now)
