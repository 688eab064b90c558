cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns.pages cimport Pages
from tidegate.dns.view cimport Asker
from tidegate.dns.zone cimport Zone

cdef Py_ssize_t _DEPTH, _QUERY_SIZE, _REPLY_SIZE, _CONTROL_SIZE, _NAME_SIZE, _HEAD_SIZE
cdef int _MSG_TRUNC
cdef bytes _NO_INTERFACE

cdef class Batch:
    cpdef Py_ssize_t receive(self) except -1
    cpdef bytes data(self, Py_ssize_t index)
    cpdef bytes source(self, Py_ssize_t index)
    cpdef bytes local(self, Py_ssize_t index)
    cpdef Asker asker(self, Py_ssize_t index, Zone zone)
    cpdef Py_ssize_t answer(self, Py_ssize_t index, Asker asker, Pages pages) except -2
    cpdef reply(self, Py_ssize_t index, bytes data)
    cpdef return_path(self, Py_ssize_t index)
    cpdef reply_late(self, object path, bytes data)
    cpdef Py_ssize_t flush(self) except -1

cdef class ManyBatch(Batch):
    cdef int _fd
    cdef object _sock
    cdef bint _is_v4
    cdef bytes _local
    cdef Py_ssize_t _count
    cdef Py_ssize_t _pending
    cdef Py_ssize_t _lost
    cdef Py_ssize_t _source_at
    cdef Py_ssize_t _source_size
    cdef Py_ssize_t _local_at
    cdef list _askers
    cdef long long _moves
    cdef list _kept
    cdef unsigned long long _names_at
    cdef unsigned long long _controls_at
    cdef raw.Octets _names
    cdef raw.Octets _controls
    cdef raw.Octets _queries
    cdef raw.Octets _replies
    cdef raw.Octets _vectors
    cdef raw.Octets _head
    cdef raw.Octets _out
    cdef raw.Octets _blank

    @cython.locals(count=Py_ssize_t)
    cpdef Py_ssize_t receive(self) except -1

    cpdef bytes data(self, Py_ssize_t index)

    cpdef bytes source(self, Py_ssize_t index)

    cpdef bytes local(self, Py_ssize_t index)

    @cython.locals(at=Py_ssize_t, place=Py_ssize_t, found=Asker)
    cpdef Asker asker(self, Py_ssize_t index, Zone zone)

    @cython.locals(start=Py_ssize_t, size=Py_ssize_t)
    cpdef Py_ssize_t answer(self, Py_ssize_t index, Asker asker, Pages pages) except -2

    cpdef reply(self, Py_ssize_t index, bytes data)

    @cython.locals(name=bytes)
    cpdef return_path(self, Py_ssize_t index)

    @cython.locals(slot=Py_ssize_t)
    cpdef reply_late(self, object path, bytes data)

    @cython.locals(lost=Py_ssize_t)
    cpdef Py_ssize_t flush(self) except -1

    cdef Py_ssize_t _place(self) except -1

    @cython.locals(sent=Py_ssize_t, done=Py_ssize_t)
    cdef _send(self)

    @cython.locals(head=Py_ssize_t)
    cdef Py_ssize_t _size(self, Py_ssize_t index) noexcept

    cdef bint _came_to(self, Py_ssize_t index, bytes local) noexcept

    @cython.locals(slot=Py_ssize_t, control=Py_ssize_t)
    cdef _address(self, Py_ssize_t index, Py_ssize_t size)
