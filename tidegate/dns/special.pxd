cimport cython

cimport tidegate.dns.coctets as raw

@cython.locals(size=Py_ssize_t, position=Py_ssize_t, rest=bytes)
cpdef bytes apex_above(bytes name, frozenset apexes)

cpdef bint is_dotless(bytes name)
