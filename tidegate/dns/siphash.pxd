cimport cython

cdef unsigned long long _MASK, _FIRST, _SECOND, _THIRD, _FOURTH

@cython.locals(a="unsigned long long", b="unsigned long long", c="unsigned long long", d="unsigned long long",
               block="unsigned long long", blocks=Py_ssize_t, index=Py_ssize_t, _=int)
cpdef unsigned long long siphash(unsigned long long low, unsigned long long high, bytes data)

@cython.locals(block="unsigned long long", octet="unsigned long long", size=Py_ssize_t, start=Py_ssize_t,
               position=Py_ssize_t)
cdef unsigned long long _block(bytes data, Py_ssize_t index, Py_ssize_t blocks)
