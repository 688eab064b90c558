cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns.tally cimport Meter, Tally
from tidegate.dns.view cimport Asker

cdef Py_ssize_t _WAYS, _MAX_QUESTION, _MAX_TALLIES, _PLAIN_SIZE, _EDNS_SIZE, _OPT_SIZE, _COOKIE
cdef bytes _COUNTS
cdef raw.Octets _OPT, _OPT_DO

cdef class Pages:
    cdef Meter _meter
    cdef bint _has_cookies
    cdef public Py_ssize_t size
    cdef unsigned long long _mask
    cdef object _memory
    cdef object _index_memory
    cdef object _scratch_memory
    cdef raw.Octets _entries
    cdef raw.Octets _index
    cdef raw.Octets _scratch
    cdef unsigned long long _key
    cdef Py_ssize_t _top
    cdef list _tallies
    cdef Py_ssize_t _asked
    cdef Py_ssize_t _room
    cdef bint _has_opt
    cdef bint _do

    @cython.locals(size=Py_ssize_t, digest="unsigned long long", bucket=Py_ssize_t, way=Py_ssize_t, word="unsigned long long")
    cpdef forget(self, bytes question)

    @cython.locals(word=Py_ssize_t)
    cpdef clear(self)

    @cython.locals(size=Py_ssize_t)
    cpdef answer(self, bytes data, Asker asker)

    cdef Py_ssize_t reply(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, Asker asker, raw.Octets to, Py_ssize_t at) except -2

    @cython.locals(asked=Py_ssize_t, opt=Py_ssize_t, options=Py_ssize_t)
    cdef bint _reads(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size) noexcept

    cdef bint _ignores(self, raw.Octets data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t end) noexcept

    @cython.locals(slot=Py_ssize_t)
    cdef Py_ssize_t _find(self, raw.Octets data, Py_ssize_t start, unsigned long long whose) noexcept

    @cython.locals(digest="unsigned long long", bucket=Py_ssize_t, slot=Py_ssize_t, word="unsigned long long",
                   entry=Py_ssize_t, owner="unsigned long long")
    cdef Py_ssize_t _slot(self, Py_ssize_t size, unsigned long long whose) noexcept

    cdef bint _asks(self, Py_ssize_t entry, Py_ssize_t size) noexcept

    @cython.locals(tally=Tally)
    cdef Py_ssize_t _said(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, Asker asker, raw.Octets to, Py_ssize_t at,
                          Py_ssize_t entry, Py_ssize_t length) except -2

    cdef bint _makes_room(self, Py_ssize_t size) except -1

    @cython.locals(entry=Py_ssize_t, first="unsigned long long")
    cdef Py_ssize_t _open(self, bytes question, Tally tally, unsigned long long whose, unsigned long long second) except -1

    @cython.locals(digest="unsigned long long", bucket=Py_ssize_t, place=Py_ssize_t, way=Py_ssize_t, where="unsigned long long")
    cdef _enter(self, bytes question, Py_ssize_t entry)

    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t _number(self, Tally tally) except -2
