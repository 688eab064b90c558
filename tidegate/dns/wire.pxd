cimport cython

cimport tidegate.dns.coctets as raw

cdef int _COOKIE, _MAX_OPTIONS, _NOTIFY
cdef Py_ssize_t _EDNS_SIZE, _STREAM_SIZE

cdef class Query:
    cdef public bint cd
    cdef public bint do
    cdef public bint edns
    cdef public bytes cookie
    cdef public bytes id
    cdef public bytes name
    cdef public int opcode
    cdef public bytes options
    cdef public int qclass
    cdef public int qtype
    cdef public bytes question
    cdef public int rcode
    cdef public bint rd
    cdef public int size

@cython.locals(query=Query, end=Py_ssize_t, count=int, fault=int)
cpdef Query parse(bytes data)

@cython.locals(position=Py_ssize_t, limit=Py_ssize_t, length=Py_ssize_t)
cpdef Py_ssize_t name_end(bytes data, Py_ssize_t start)

@cython.locals(position=Py_ssize_t, size=Py_ssize_t, length=Py_ssize_t, target=Py_ssize_t)
cpdef Py_ssize_t owner_end(bytes data, Py_ssize_t start, Py_ssize_t before=*)

@cython.locals(position=Py_ssize_t, found=Py_ssize_t, size=Py_ssize_t, _=int)
cpdef Py_ssize_t cookie_at(bytes data, Py_ssize_t start, Py_ssize_t end)

cpdef bint options_fit(bytes data, Py_ssize_t start, Py_ssize_t end)

@cython.locals(end=Py_ssize_t)
cdef Py_ssize_t _read_question(bytes data, Query query)

@cython.locals(start=Py_ssize_t, end=Py_ssize_t, at=Py_ssize_t, is_opt=bint, fault=int)
cdef int _read_additional(bytes data, Py_ssize_t position, int count, Query query)

cdef int _read_opt(bytes data, Py_ssize_t position, Query query)

cdef int _policy(Query query)

cpdef Py_ssize_t limit(Query query, bint stream)
