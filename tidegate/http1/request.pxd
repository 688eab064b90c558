cimport cython

from tidegate.http1.authority cimport same_authority
from tidegate.http1.events cimport Limits, RequestHead
from tidegate.http1.fields cimport Fields, kept_lines
from tidegate.http1.lines cimport Known, is_http1, last_line, scan_fields

cdef Fields _FOUND
cdef Known _KNOWN
cdef Py_ssize_t _MAX_METHOD

@cython.locals(view="const unsigned char *", head=RequestHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, found=Fields)
cpdef RequestHead parse_request(bytes data, Py_ssize_t start, Limits limits)

@cython.locals(line_end=Py_ssize_t, at=Py_ssize_t, count=Py_ssize_t)
cdef object _refuse_early(bytes data, Py_ssize_t start, Py_ssize_t size, Limits limits)

cdef bint _is_no_method(bytes line)

@cython.locals(view="const unsigned char *", token="const unsigned char *", at=Py_ssize_t)
cdef Py_ssize_t _request_line(bytes data, Py_ssize_t start, Py_ssize_t end, RequestHead head, Limits limits)

@cython.locals(view="const unsigned char *", allowed="const unsigned char *", at=Py_ssize_t, query=Py_ssize_t, octet=int, dots=bint)
cdef Py_ssize_t _target(bytes data, Py_ssize_t start, RequestHead head, Limits limits)

cdef object _wrong_version(bytes text)

cdef object _refuse(RequestHead head, Fields found)

cdef bint _names(RequestHead head, bytes authority)

@cython.locals(kept=bytes)
cdef _conclude(RequestHead head, Fields found)
