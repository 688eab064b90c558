cimport cython

cdef class Tally:
    cdef public str kind
    cdef public int rcode
    cdef public long long udp4
    cdef public long long udp6
    cdef public long long tcp4
    cdef public long long tcp6

    cpdef add(self, int lane)

cdef class Sizes:
    cdef public long long at64
    cdef public long long at128
    cdef public long long at256
    cdef public long long at512
    cdef public long long at1232
    cdef public long long at4096
    cdef public long long above
    cdef public long long total

    cpdef add(self, Py_ssize_t size)

cdef class Meter:
    cdef public Sizes queries
    cdef public Sizes replies
    cdef public long long do

    cpdef add(self, Py_ssize_t query, Py_ssize_t reply, bint do)

cdef class Durations:
    cdef public object bounds
    cdef public list counts
    cdef public double total

    @cython.locals(place=Py_ssize_t)
    cpdef add(self, double seconds, long times=*)

cdef class Tallies:
    cdef dict _by_kind

    @cython.locals(key=int, found=Tally)
    cpdef Tally of(self, int qtype, int rcode)
