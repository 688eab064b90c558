cimport cython

cdef long long _NUMBERS_SIZE
cdef list _NUMBERS

cpdef bytes number(long long value)
