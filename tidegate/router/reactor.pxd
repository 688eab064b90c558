cimport cython

cimport tidegate.router.csyscalls as calls

cdef unsigned int _EDGES, _HUNG, _BROKEN, _IN, _OUT
cdef int _BATCH
cdef Py_ssize_t _SIP_BYTES, _GULP_BYTES, _BULK_BYTES

cdef class Reactor:
    cdef public object on_fault
    cdef object _epoll
    cdef int _fd
    cdef list _wires
    cdef dict _watchers
    cdef list _dirty
    cdef list _again
    cdef list _gone
    cdef object _ready
    cdef object _timers

    @cython.locals(timers=list, guests=list, events=list, event="unsigned long long", until=double, left=double, pause=int)
    cpdef serve(self, seconds)
    @cython.locals(descriptor="unsigned int", wire=Wire)
    cdef _serve_one(self, unsigned long long event, list guests)
    cdef _watched(self, call)
    @cython.locals(again=list, wire=Wire, at=Py_ssize_t, left=Py_ssize_t)
    cdef _settle(self)
    @cython.locals(dirty=list, wire=Wire)
    cdef _send_all(self)
    cdef has_written(self, Wire wire)
    cdef may_read(self, Wire wire)
    cdef is_over(self, Wire wire)

cdef class Wire:
    cdef public int descriptor
    cdef Reactor _reactor
    cdef object _socket
    cdef object _protocol
    cdef object _feed
    cdef list _waiting
    cdef Py_ssize_t _size
    cdef Py_ssize_t _high
    cdef Py_ssize_t _low
    cdef bint _reading
    cdef bint _readable
    cdef bint _bulky
    cdef bint _hung
    cdef bint _ended
    cdef bint _ending
    cdef bint _closing
    cdef bint _over
    cdef bint _dirty
    cdef bint _queued
    cdef bint _choked
    cdef object _error

    cdef happened(self, unsigned int flags)
    cdef Py_ssize_t read_on(self) except -1
    @cython.locals(taken=Py_ssize_t, data=bytes)
    cdef Py_ssize_t _read(self, Py_ssize_t most) except -1
    cdef _put_off(self)
    @cython.locals(waiting=list, data=bytes, sent=Py_ssize_t)
    cdef send_waiting(self)
    cdef _finish(self)
    cdef _tell(self)
    cdef lose(self)
    cpdef write(self, bytes data)
    cpdef close(self)
    cpdef pause_reading(self)
    cpdef resume_reading(self)
