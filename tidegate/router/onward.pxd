cimport cython

from tidegate.http1.authority cimport split_authority
from tidegate.http1.events cimport RequestHead

cdef int _CHUNKED

@cython.locals(last=bytes)
cpdef bytes request_head(RequestHead head, bytes forwarded, bytes host)

cpdef bytes told_host(RequestHead head)

@cython.locals(chain=bytes, proto=bytes, node=bytes)
cpdef bytes told_client(bytes client, bytes certificate, bint secure, RequestHead head)
