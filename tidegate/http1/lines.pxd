cimport cython

from tidegate.http1.events cimport Limits
from tidegate.http1.fields cimport Fields, note

cdef int _DROP
cdef Py_ssize_t _MAX_NAME

cdef class Known:
    cdef bytes first
    cdef bytes following
    cdef bytes kinds
    cdef list names

    @cython.locals(view="const unsigned char *", first="const unsigned char *", following="const unsigned char *",
                   kinds="const unsigned char *", expected="const unsigned char *", name=bytes, entry=int, at=Py_ssize_t)
    cdef int kind(self, bytes data, Py_ssize_t start, Py_ssize_t length)

cpdef bint is_http1(const unsigned char *view, Py_ssize_t at) noexcept

@cython.locals(view="const unsigned char *", found=Py_ssize_t)
cpdef Py_ssize_t last_line(bytes data, Py_ssize_t start, Py_ssize_t size)

@cython.locals(view="const unsigned char *", plain="const unsigned char *", token="const unsigned char *",
               text="const unsigned char *", at=Py_ssize_t, run=Py_ssize_t, count=Py_ssize_t, line=Py_ssize_t,
               colon=Py_ssize_t, stop=Py_ssize_t, kind=int, odd=bint, underscore=bint, written=bytes)
cpdef scan_fields(bytes data, Py_ssize_t start, Fields found, Limits limits, Known known, bint request)

cdef bint _is_odd(const unsigned char *view, Py_ssize_t value, Py_ssize_t stop)

@cython.locals(view="const unsigned char *", value=Py_ssize_t)
cdef bytes _written(bytes data, Py_ssize_t line, Py_ssize_t colon, Py_ssize_t stop, Fields found, int kind, bint odd)
