cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport wire
from tidegate.dns.wire cimport Query

cdef class Message:
    cdef public bytes question
    cdef public int rcode
    cdef public bint truncated
    cdef public bytes body
    cdef public tuple counts
    cdef public list ends
    cdef public list ttl_places
    cdef public list ttls
    cdef public list types
    cdef public object lifetime
    cdef public object ede

@cython.locals(end=Py_ssize_t, found=Message)
cpdef Message read(bytes data)

cpdef bytes aged(Message message, long long age)

cpdef bytes lasting(Message message, long long ttl)

@cython.locals(left=Py_ssize_t, opt=bytes, counts=tuple, is_cut=bint, flags=int)
cpdef bytes render(Message message, Query query, bytes body, Py_ssize_t room, object ede=*)

@cython.locals(answers=int, authority=int, additional=int)
cpdef bytes packed(tuple counts, bint opt)

@cython.locals(index=Py_ssize_t, end=Py_ssize_t, answers=Py_ssize_t, until=Py_ssize_t)
cdef object _lifetime(Message message)

@cython.locals(position=Py_ssize_t, size=Py_ssize_t, owner=Py_ssize_t, section=int, rtype=int,
               is_open=bint, last=Py_ssize_t)
cdef bint _read_records(Message message, bytes data, Py_ssize_t start)

@cython.locals(ttl=cython.longlong)
cdef _take(Message message, bytes data, Py_ssize_t owner, int rtype, Py_ssize_t end, Py_ssize_t ttl_place)
