cimport cython

cdef long long _NUMBERS_SIZE
cdef list _NUMBERS
cdef dict _LINES

cpdef bytes number(long long value)

cpdef bytes status_line(int status, bytes phrase)
