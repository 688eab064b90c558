cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns.answer cimport Answer, Variant
from tidegate.dns.tally cimport Meter, Tally
from tidegate.dns.view cimport Asker

cdef Py_ssize_t _WAYS, _MAX_QUESTION, _MAX_BLOCK, _MAX_TALLIES, _PLAIN_SIZE, _EDNS_SIZE, _OPT_SIZE
cdef bytes _COUNTS
cdef raw.Octets _OPT, _OPT_DO

cdef class Sheet:
    cdef Meter _meter
    cdef Py_ssize_t _size
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
    cdef dict _shared
    cdef dict _strides

    @cython.locals(number=Py_ssize_t, stride=Py_ssize_t, head=Py_ssize_t, count=Py_ssize_t, size=Py_ssize_t, entry=Py_ssize_t,
                   block=Py_ssize_t, first="unsigned long long", second="unsigned long long")
    cpdef put(self, bytes question, unsigned long long view, Answer answer)

    @cython.locals(answer=Answer, block=Py_ssize_t, stride=Py_ssize_t)
    cpdef renew(self)

    @cython.locals(size=Py_ssize_t, digest="unsigned long long", bucket=Py_ssize_t, way=Py_ssize_t, word="unsigned long long")
    cpdef forget(self, bytes question)

    @cython.locals(word=Py_ssize_t)
    cpdef clear(self)

    @cython.locals(size=Py_ssize_t)
    cpdef answer(self, bytes data, Asker asker)

    @cython.locals(asked=Py_ssize_t, room=Py_ssize_t, opt=Py_ssize_t, has_opt=int, entry=Py_ssize_t, block=Py_ssize_t,
                   tail=Py_ssize_t, length=Py_ssize_t, first="unsigned long long")
    cdef Py_ssize_t reply(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, Asker asker, raw.Octets to, Py_ssize_t at) except -2

    @cython.locals(digest="unsigned long long", bucket=Py_ssize_t, way=Py_ssize_t, word="unsigned long long",
                   entry=Py_ssize_t, whose="unsigned long long")
    cdef Py_ssize_t _find(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, unsigned long long view) noexcept

    cdef bint _asks(self, Py_ssize_t entry, Py_ssize_t size) noexcept

    @cython.locals(second="unsigned long long", count=Py_ssize_t, block=Py_ssize_t, turn=Py_ssize_t, following="unsigned long long")
    cdef Py_ssize_t _block(self, Py_ssize_t entry) noexcept

    @cython.locals(variant=Variant)
    cdef _write(self, Py_ssize_t block, Py_ssize_t stride, Answer answer)

    @cython.locals(tally=Tally)
    cdef _count(self, Py_ssize_t number, int lane)

    @cython.locals(digest="unsigned long long", bucket=Py_ssize_t, place=Py_ssize_t, way=Py_ssize_t, where="unsigned long long")
    cdef _enter(self, bytes question, Py_ssize_t entry)

    @cython.locals(number=Py_ssize_t)
    cdef Py_ssize_t _number(self, Tally tally) except -2

@cython.locals(most=Py_ssize_t, variant=Variant)
cdef Py_ssize_t _stride(Answer answer) except -1
