cimport cython

from tidegate.dns.special cimport apex_above, is_dotless
from tidegate.dns.tree cimport Node, Tree

cdef frozenset _LOCALHOST, _LOOPBACK_REVERSE, _ABSENT_APEXES

cdef class Match:
    cdef public object place
    cdef public bytes apex
    cdef public Node node
    cdef public object claim
    cdef public Py_ssize_t port
    cdef public bytes denial

@cython.locals(apex=bytes, node=Node, found=Match, wildcard=Node)
cpdef Match find(Tree tree, frozenset apexes, bytes name, int qtype, object networks=*)

@cython.locals(first=bytes, rest=bytes, node=Node, base=Node)
cdef Match _service(Tree tree, bytes name, bytes apex)

cdef Match _scoped(Tree tree, object networks, bytes name, bytes apex)

cdef Match _builtin(bytes name, bytes apex)

@cython.locals(reserved=bytes)
cdef Match _unheld(bytes name, int qtype, bytes apex)
