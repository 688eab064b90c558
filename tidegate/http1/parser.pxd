cimport cython

from tidegate.http1.events cimport Limits, RequestHead, ResponseHead
from tidegate.http1.writer cimport number

cdef int _KEEP, _DROP, _HOST, _CONNECTION, _LENGTH, _ENCODING, _UPGRADE, _EXPECT, _AGENT, _REFERER, _FOR, _PROTO
cdef int _FORWARDED_HOST, _WS_KEY, _WS_VERSION
cdef dict _AUTHORITIES
cdef Py_ssize_t _MAX_AUTHORITIES

cdef class Fields:
    cdef public object error
    cdef public Py_ssize_t end
    cdef public list parts
    cdef public int hosts
    cdef public bytes host
    cdef public bytes host_kept
    cdef public int lengths
    cdef public long long length
    cdef public bint length_kept
    cdef public int encodings
    cdef public bint close
    cdef public bint keep_alive
    cdef public bint wants_upgrade
    cdef public list nominated
    cdef public bytes upgrade
    cdef public bytes expect
    cdef public bytes agent
    cdef public bytes referer
    cdef public bytes claimed_for
    cdef public bytes claimed_proto
    cdef public bytes claimed_host
    cdef public bytes ws_key
    cdef public bytes ws_version
    cpdef clear(self)

cdef Fields _FIELDS

cdef class Known:
    cdef bytes first
    cdef bytes following
    cdef bytes kinds
    cdef list names

    @cython.locals(view="const unsigned char *", first="const unsigned char *", following="const unsigned char *",
                   kinds="const unsigned char *", expected="const unsigned char *", name=bytes, entry=int, at=Py_ssize_t)
    cdef int kind(self, bytes data, Py_ssize_t start, Py_ssize_t length)

cdef Known _REQUEST_KNOWN
cdef Known _RESPONSE_KNOWN

@cython.locals(view="const unsigned char *", head=RequestHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, fields=Fields)
cpdef RequestHead parse_request(bytes data, Py_ssize_t start, Limits limits)

@cython.locals(view="const unsigned char *", found=Py_ssize_t)
cdef Py_ssize_t _last_line(bytes data, Py_ssize_t start, Py_ssize_t size)

cdef object _refuse_early(bytes data, Py_ssize_t start, Py_ssize_t size, Limits limits)

@cython.locals(view="const unsigned char *", token="const unsigned char *", target_class="const unsigned char *",
               at=Py_ssize_t, target=Py_ssize_t, query=Py_ssize_t, octet=int, slash_dot=bint, version=bytes, known=bint, digits=bint)
cdef Py_ssize_t _request_line(bytes data, Py_ssize_t start, Py_ssize_t end, RequestHead head, Limits limits)

cpdef bint has_dot_segments(bytes path)

@cython.locals(parts=list, kept=bytes, authority=bytes, host=bytes, known=tuple)
cdef _conclude_request(RequestHead head, Fields fields)

cdef tuple _remember_authority(bytes authority)

cdef object _origin_form(RequestHead head)

cpdef tuple split_authority(bytes authority)

@cython.locals(head=ResponseHead, size=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, fields=Fields)
cpdef ResponseHead parse_response(bytes data, Py_ssize_t start, bint head_only, Limits limits)

@cython.locals(at=Py_ssize_t)
cdef bint _hopeless_status(bytes data, Py_ssize_t start)

@cython.locals(view="const unsigned char *", value_class="const unsigned char *", at=Py_ssize_t, code=int, digit=int)
cdef Py_ssize_t _status_line(bytes data, Py_ssize_t start, Py_ssize_t end, ResponseHead head)

@cython.locals(parts=list, kept=bytes, status=int)
cdef _conclude_response(ResponseHead head, Fields fields, bint head_only)

@cython.locals(view="const unsigned char *", token="const unsigned char *",
               value_class="const unsigned char *", at=Py_ssize_t, run=Py_ssize_t, count=Py_ssize_t, line=Py_ssize_t,
               length=Py_ssize_t, value=Py_ssize_t, stop=Py_ssize_t, kind=int, odd=bint, keep=bint, underscore=bint)
cdef _scan_fields(bytes data, Py_ssize_t start, Fields found, Limits limits, Known known, bint request)

@cython.locals(known=tuple)
cdef bint _note(Fields found, int kind, bytes value)

@cython.locals(view="const unsigned char *", size=Py_ssize_t, at=Py_ssize_t, digit=int, value="long long")
cpdef long long decimal(bytes digits)

cdef _note_connection(Fields found, bytes value)

cdef bytes _without(bytes lines, list names)
