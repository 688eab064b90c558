cimport cython

from tidegate.dns.message cimport Message

@cython.locals(first=int, second=int)
cpdef bint is_private(bytes address)

@cython.locals(bad=list, index=Py_ssize_t, clean=Message, whole=bytes)
cpdef Message strip(Message found)

@cython.locals(rtype=int, start=Py_ssize_t, end=Py_ssize_t)
cdef bint _is_bad(Message found, Py_ssize_t index)
