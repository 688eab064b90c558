cimport cython

cdef dict _REMEMBERED

@cython.locals(known=tuple)
cpdef tuple authority_of(bytes value)

cdef tuple _remember(bytes value)

cpdef tuple split_authority(bytes authority)

cpdef bint same_authority(bytes one, bytes other)
