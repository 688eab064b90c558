cimport cython

cdef long long _NUMBERS_SIZE
cdef list _NUMBERS, _LAST_FOUR

cpdef bytes number(long long value)
