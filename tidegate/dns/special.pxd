cimport cython

@cython.locals(position=Py_ssize_t, rest=bytes)
cpdef bytes apex_above(bytes name, frozenset apexes)

cpdef bint is_dotless(bytes name)
