cimport cython

from tidegate.http1.events cimport Limits, ResponseHead
from tidegate.http1.fields cimport Fields, kept_lines, without
from tidegate.http1.lines cimport Known, is_http1, last_line, scan_fields

cdef Fields _FOUND
cdef Known _KNOWN

@cython.locals(head=ResponseHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, found=Fields)
cpdef ResponseHead parse_response(bytes data, Py_ssize_t start, bint head_only, Limits limits)

@cython.locals(at=Py_ssize_t, count=Py_ssize_t)
cdef bint _is_hopeless(bytes data, Py_ssize_t start, Limits limits)

@cython.locals(view="const unsigned char *", text="const unsigned char *", at=Py_ssize_t)
cdef Py_ssize_t _status_line(bytes data, Py_ssize_t start, Py_ssize_t end, ResponseHead head)

@cython.locals(code=int, digit=int, at=Py_ssize_t)
cdef int _code(const unsigned char *view, Py_ssize_t start)

cdef bint _is_unsound(ResponseHead head, Fields found)

@cython.locals(kept=bytes, status=int)
cdef _conclude(ResponseHead head, Fields found, bint head_only)
