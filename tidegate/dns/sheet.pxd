cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns.answer cimport Answer, Variant
from tidegate.dns.pages cimport Pages
from tidegate.dns.view cimport Asker

cdef Py_ssize_t _MISSING, _UNFIT, _MAX_BLOCK, _OPT_SIZE

cdef class Sheet(Pages):
    cdef dict _shared
    cdef dict _strides

    @cython.locals(stride=Py_ssize_t, head=Py_ssize_t, count=Py_ssize_t, entry=Py_ssize_t, block=Py_ssize_t,
                   following=Py_ssize_t, second="unsigned long long")
    cpdef put(self, bytes question, unsigned long long view, Answer answer)

    @cython.locals(answer=Answer, block=Py_ssize_t, stride=Py_ssize_t)
    cpdef renew(self)

    cpdef clear(self)

    @cython.locals(entry=Py_ssize_t, block=Py_ssize_t, tail=Py_ssize_t, length=Py_ssize_t)
    cdef Py_ssize_t reply(self, raw.Octets data, Py_ssize_t start, Py_ssize_t size, Asker asker, raw.Octets to, Py_ssize_t at) except -2

    @cython.locals(second="unsigned long long", count=Py_ssize_t, block=Py_ssize_t, turn=Py_ssize_t, following="unsigned long long")
    cdef Py_ssize_t _block(self, Py_ssize_t entry) noexcept

    @cython.locals(variant=Variant)
    cdef _write(self, Py_ssize_t block, Py_ssize_t stride, Answer answer)

@cython.locals(most=Py_ssize_t, variant=Variant)
cdef Py_ssize_t _stride(Answer answer) except -1
