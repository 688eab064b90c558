cdef int _SHAKING, _OPEN, _ENDED, _CLOSED, _RECORD

cdef class Buffers:
    cdef public object incoming
    cdef public object outgoing
    cdef public object feed
    cdef public object take

cdef class TlsStream:
    cdef public object raw
    cdef public object owner
    cdef public Buffers buffers
    cdef public object session
    cdef public object decrypt
    cdef public object encrypt
    cdef public object send
    cdef public object above
    cdef public object deliver
    cdef public object error
    cdef public int phase
    cdef public bint server
    cdef public bint said_end
    cdef public bint at_end

    cpdef data_received(self, bytes data)
    cdef _read(self, bytes data)
    cdef _flush(self)
    cdef _refuse(self, object error)
    cdef bytes _decrypted(self, bytes data)
    cdef _broken(self)
    cdef _ended(self)
    cdef _say_end(self)

    cpdef write(self, data)
