cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns cimport message, wire
from tidegate.dns.bundle cimport Bundle
from tidegate.dns.entropy cimport Entropy
from tidegate.dns.message cimport Message
from tidegate.dns.standing cimport Standing
from tidegate.dns.tally cimport Durations

cdef Py_ssize_t _DEPTH

cdef class Try:
    cdef public Upstream upstream
    cdef public bytes asked
    cdef public object done
    cdef public bytes ident
    cdef public Port port
    cdef public Message cut
    cdef public double sent_at
    cdef public bint is_settled

cdef class Upstream:
    cdef public object server
    cdef public Standing standing
    cdef public long long rejected
    cdef public int open
    cdef public dict durations
    cdef public object _stream
    cdef public double seconds
    cdef Entropy _entropy
    cdef bint _is_mixed
    cdef bint _is_tls
    cdef bint _is_closed
    cdef public list _ports
    cdef public Bundle bundle
    cdef list _leaving
    cdef Port _way_out
    cdef object _tries
    cdef object _timer
    cdef object _loop
    cdef object _clock

    @cython.locals(now=double, asking=Try)
    cpdef bint ask(self, bytes query, object done)

    @cython.locals(found=Message)
    cpdef Message check(self, bytes data, Try asking)

    @cython.locals(seconds=double)
    cpdef settle(self, Try asking, Message found)

    @cython.locals(now=double)
    cpdef fail(self, Try asking, str outcome=*)

    @cython.locals(port=Port)
    cdef bint _send(self, Try asking) except -1

    cpdef _flush(self)

    @cython.locals(port=Port, tries=list, number=Py_ssize_t, asking=Try)
    cdef _leave(self)

    @cython.locals(first=Try)
    cdef _end(self, Try asking, Message found)

    cdef _watch(self, Try asking)

    @cython.locals(first=Try, due=double)
    cpdef _on_timer(self)

    cdef _forget(self, Try asking)

    @cython.locals(found=Durations)
    cdef _note(self, str outcome, double seconds)

    cdef bytes _cased(self, bytes query)

    @cython.locals(port=Port, fresh=Port, index=Py_ssize_t)
    cdef Port _port(self)

cdef class Port:
    cdef public long sent
    cdef Upstream _upstream
    cdef Entropy _entropy
    cdef public dict _open
    cdef bint _is_retired
    cdef public object sock
    cdef object _loop

    @cython.locals(ident=bytes)
    cdef bytes admit(self, Try asking)

    cpdef forget(self, Try asking)

    cpdef retire(self)

    cpdef close(self)

    @cython.locals(came=Bundle, count=Py_ssize_t, index=Py_ssize_t)
    cpdef _on_readable(self)

    @cython.locals(asking=Try, found=Message)
    cdef _take(self, bytes data)

    @cython.locals(asking=Try)
    cdef _fail(self)

@cython.locals(flags=int)
cpdef bytes query_for(bytes key)
