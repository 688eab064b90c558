cdef class Limits:
    cdef public Py_ssize_t head_bytes
    cdef public Py_ssize_t headers
    cdef public Py_ssize_t target_bytes

cdef class RequestHead:
    cdef public object error
    cdef public bytes method
    cdef public bytes target
    cdef public bytes path
    cdef public bytes host
    cdef public bytes authority
    cdef public int minor
    cdef public int framing
    cdef public long long length
    cdef public bint keep_alive
    cdef public bint expect_continue
    cdef public bint upgrade
    cdef public bint dot_segments
    cdef public bytes fields
    cdef public bytes user_agent
    cdef public bytes referer
    cdef public bytes claimed_for
    cdef public bytes claimed_proto
    cdef public bytes claimed_host
    cdef public Py_ssize_t end
    cpdef clear(self)

cdef class ResponseHead:
    cdef public object error
    cdef public int status
    cdef public bytes line
    cdef public int minor
    cdef public int framing
    cdef public long long length
    cdef public bint keep_alive
    cdef public bint switched
    cdef public bytes fields
    cdef public Py_ssize_t end
    cpdef clear(self)
