cimport cython

cimport tidegate.dns.coctets as raw
from tidegate.dns.copies cimport Copies
from tidegate.dns.message cimport Message
from tidegate.dns.view cimport Asker
from tidegate.dns.wire cimport Query, cookie_at

cpdef bytes key_of(Query query)

cdef class Entry:
    cdef public Message message
    cdef public Py_ssize_t size
    cdef public double stored
    cdef public double expires
    cdef public double refresh_at
    cdef public bint is_due
    cdef public bint is_used
    cdef public long shape
    cdef public long age
    cdef public bytes tail
    cdef public int low
    cdef public bytes counts
    cdef public bytes counts_opt

cdef class Cache:
    cdef object _entries
    cdef Py_ssize_t _limit
    cdef Copies _copies
    cdef bint _has_cookies
    cdef public Py_ssize_t size
    cdef public long long hits
    cdef public long long evicted
    cdef public list due

    @cython.locals(size=Py_ssize_t, end=Py_ssize_t, opt_end=Py_ssize_t, at=Py_ssize_t, room=Py_ssize_t, length=Py_ssize_t, flags=int,
                   opt=bytes, key=bytes, tail=bytes, head=bytes, found=Entry)
    cpdef bytes recall(self, bytes data, Asker asker, long shape, double now)

    @cython.locals(found=Entry)
    cpdef Entry fresh(self, bytes key, double now, long shape)

    cpdef bytes render(self, Entry entry, Query query, Py_ssize_t room, double now)

    @cython.locals(found=Entry)
    cpdef Message stale(self, bytes key, double now)

    @cython.locals(old=Entry, entry=Entry, lifetime=double)
    cpdef put(self, bytes key, Message answer, double now, long shape=*)

    @cython.locals(found=Entry)
    cpdef retry(self, bytes key)

    @cython.locals(age=long)
    cdef bytes _tail(self, Entry entry, bytes key, double now)

    @cython.locals(key=bytes, entry=Entry, is_copied=bint)
    cdef _make_room(self)
