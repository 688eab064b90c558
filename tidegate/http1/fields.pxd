cimport cython

from tidegate.http1.authority cimport authority_of
from tidegate.http1.writer cimport number

cdef int _DROP, _HOST, _CONNECTION, _LENGTH, _ENCODING, _UPGRADE, _EXPECT, _AGENT, _REFERER, _FOR, _PROTO
cdef int _FORWARDED_HOST, _WS_KEY, _WS_VERSION

cdef class Fields:
    cdef public object error
    cdef public Py_ssize_t end
    cdef public list parts
    cdef public int hosts
    cdef public bytes host
    cdef public bytes authority
    cdef public bint host_kept
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

cpdef bint note(Fields found, int kind, bytes value)

@cython.locals(known=tuple)
cdef bint _note_host(Fields found, bytes value)

cdef bint _note_length(Fields found, bytes value)

cdef _note_encoding(Fields found, bytes value)

@cython.locals(lowered=bytes)
cdef _note_connection(Fields found, bytes value)

cdef _nominate(Fields found, bytes name)

cdef bytes _joined(bytes before, bytes value)

@cython.locals(view="const unsigned char *", size=Py_ssize_t, at=Py_ssize_t, digit=int, value="long long")
cpdef long long decimal(bytes digits)

@cython.locals(parts=list, kept=bytes)
cpdef bytes kept_lines(Fields found)

cpdef bytes without(bytes lines, list names)
