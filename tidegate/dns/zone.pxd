cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport match
from tidegate.dns.answer cimport Answer, Variant
from tidegate.dns.cookie cimport Jar
from tidegate.dns.match cimport Match
from tidegate.dns.sheet cimport Sheet
from tidegate.dns.tally cimport Meter, Tallies
from tidegate.dns.tree cimport Tree
from tidegate.dns.view cimport Asker
from tidegate.dns.wire cimport Query, cookie_at

cdef class Zone:
    cdef public bytes apex
    cdef public object apexes
    cdef public bint recursion
    cdef public Tallies tallies
    cdef public Meter udp_meter
    cdef public Meter tcp_meter
    cdef public object version
    cdef public int shape
    cdef public Sheet sheet
    cdef public long long moves
    cdef object _delegated
    cdef bint _across_networks
    cdef public Jar jar
    cdef object _access
    cdef object _authority
    cdef Tree _tree
    cdef object _networks
    cdef dict _names
    cdef tuple _subnets
    cdef dict _problems
    cdef Py_ssize_t _externals
    cdef object _memo
    cdef dict _answers
    cdef dict _askers
    cdef dict _views
    cdef object _view_count

    @cython.locals(size=Py_ssize_t, end=Py_ssize_t, opt_end=Py_ssize_t, at=Py_ssize_t, at_end=Py_ssize_t, room=Py_ssize_t,
                   length=Py_ssize_t, turn=Py_ssize_t, do=bint, found=Answer, variant=Variant, meter=Meter, opt=bytes,
                   counts=bytes, tail=bytes, head=bytes)
    cpdef bytes answer(self, bytes data, Asker asker)

    @cython.locals(question=bytes, found=Answer)
    cpdef write(self, bytes data, Asker asker)

    @cython.locals(found=Asker, key=bytes)
    cpdef Asker asker(self, bytes source, bytes local, bint stream=*)

    @cython.locals(found=Answer)
    cpdef bytes resolve(self, Query query, Asker asker)

    @cython.locals(head=Answer, found=Answer, place=Match)
    cdef Answer _prepared(self, Query query, Asker asker)

    @cython.locals(found=Match)
    cpdef Match _match(self, bytes name, int qtype)
