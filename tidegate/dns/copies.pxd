cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport message
from tidegate.dns.message cimport Message
from tidegate.dns.pages cimport Pages
from tidegate.dns.tally cimport Tallies
from tidegate.dns.view cimport Asker

cdef Py_ssize_t _MISSING, _UNFIT, _MAX_BLOCK, _OPT_SIZE
cdef long long _MICROSECONDS

cdef class Copies(Pages):
    cdef Tallies _by_kind
    cdef unsigned long long _shape
    cdef long long _now
    cdef public long long hits

    cpdef turn(self, long long shape, double now)

    @cython.locals(size=Py_ssize_t, number=Py_ssize_t, entry=Py_ssize_t, second="unsigned long long")
    cpdef put(self, bytes question, int flags, unsigned long long shape, Message found, double stored, double until)

    @cython.locals(entry=Py_ssize_t, second="unsigned long long")
    cpdef bint used(self, bytes question, int flags)

    @cython.locals(entry=Py_ssize_t)
    cpdef expire(self, bytes question, int flags)

    @cython.locals(entry=Py_ssize_t, block=Py_ssize_t, tail=Py_ssize_t, length=Py_ssize_t, second="unsigned long long",
                   sizes="unsigned long long")
    cdef Py_ssize_t reply(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, Asker asker, raw.Octets to, Py_ssize_t at) except -2

    @cython.locals(places=Py_ssize_t, index=Py_ssize_t, stored="long long", age="long long")
    cdef _copy(self, Py_ssize_t block, Py_ssize_t count, Py_ssize_t tail, raw.Octets to, Py_ssize_t at)

    @cython.locals(head=Py_ssize_t, slot=Py_ssize_t, entry=Py_ssize_t, second="unsigned long long")
    cdef Py_ssize_t _new(self, bytes question, int flags, Py_ssize_t number, Py_ssize_t size) except -1

    @cython.locals(tail=bytes, count=Py_ssize_t, size=Py_ssize_t, at=Py_ssize_t, index=Py_ssize_t, place=Py_ssize_t,
                   sizes="unsigned long long")
    cdef _write(self, Py_ssize_t block, Message found, double stored, double until)

    @cython.locals(slot=Py_ssize_t)
    cdef Py_ssize_t _entry(self, bytes question, int flags) except -1

    cdef Py_ssize_t _slot_of(self, bytes question, int flags) except -2

    @cython.locals(second="unsigned long long", serves="unsigned long long")
    cdef bint _is_written(self, Py_ssize_t entry, unsigned long long shape, double until) except -1

    @cython.locals(sizes="unsigned long long")
    cdef Py_ssize_t _size_of(self, Py_ssize_t entry) noexcept
