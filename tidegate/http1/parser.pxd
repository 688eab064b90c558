cimport cython

from tidegate.http1.events cimport Limits, RequestHead, ResponseHead

cdef class Fields:
    cdef public object error
    cdef public list parts
    cdef public int hosts
    cdef public bytes host
    cdef public int lengths
    cdef public long long length
    cdef public int encodings
    cdef public bint close
    cdef public bint keep_alive
    cdef public bint wants_upgrade
    cdef public list nominated
    cdef public bytes upgrade
    cdef public bytes expect
    cdef public bytes cookie
    cdef public bytes agent
    cdef public bytes referer
    cdef public bytes claimed_for
    cdef public bytes claimed_proto
    cdef public bytes claimed_host
    cdef public bytes ws_key
    cdef public bytes ws_version

@cython.locals(head=RequestHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, fields=Fields)
cpdef RequestHead parse_request(bytes data, Py_ssize_t start, Limits limits)

cdef object _refuse_early(bytes data, Py_ssize_t start, Py_ssize_t size, Limits limits)

@cython.locals(view="const unsigned char *", token="const unsigned char *", target_class="const unsigned char *",
               at=Py_ssize_t, target=Py_ssize_t, query=Py_ssize_t, octet=int, slash_dot=bint, version=bytes, known=bint, digits=bint)
cdef Py_ssize_t _request_line(bytes data, Py_ssize_t start, Py_ssize_t end, RequestHead head, Limits limits)

@cython.locals(parts=list, kept=bytes, authority=bytes, host=bytes, port=bytes)
cdef _conclude_request(RequestHead head, Fields fields)

@cython.locals(head=ResponseHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, fields=Fields)
cpdef ResponseHead parse_response(bytes data, Py_ssize_t start, bint head_only, Limits limits)

@cython.locals(at=Py_ssize_t)
cdef bint _hopeless_status(bytes data, Py_ssize_t start)

@cython.locals(view="const unsigned char *", value_class="const unsigned char *", line_end=Py_ssize_t, at=Py_ssize_t, code=int)
cdef Py_ssize_t _status_line(bytes data, Py_ssize_t start, Py_ssize_t end, ResponseHead head)

@cython.locals(parts=list, kept=bytes, status=int)
cdef _conclude_response(ResponseHead head, Fields fields, bint head_only)

@cython.locals(view="const unsigned char *", hint="const unsigned char *", token="const unsigned char *",
               value_class="const unsigned char *", at=Py_ssize_t, run=Py_ssize_t, count=Py_ssize_t, line=Py_ssize_t,
               length=Py_ssize_t, value=Py_ssize_t, stop=Py_ssize_t, kind=int, odd=bint, keep=bint, underscore=bint)
cdef _scan_fields(bytes data, Py_ssize_t start, Py_ssize_t end, Fields found, Limits limits, bytes hints, dict known, bint request)

cdef bint _note(Fields found, int kind, bytes value)

cdef _note_connection(Fields found, bytes value)

cdef bytes _without(bytes lines, list names)

cpdef tuple split_authority(bytes authority)
