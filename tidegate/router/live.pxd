from tidegate.router.balancer cimport Balancer, Group
from tidegate.router.counters cimport Counters
from tidegate.router.selection cimport Selection

# What each request reads comes first, and together: among 10 000 routes these lines are out of the cache.
cdef class LiveRoute:
    cdef public object choice
    cdef public object chain
    cdef public Selection selection
    cdef public Group turns
    cdef public object upstream_tls
    cdef public Counters counters
    cdef public bytes log_part
    cdef public long long requests
    cdef public double request_timeout
    cdef public double answer_timeout
    cdef public double first_look
    cdef public int mode
    cdef public int guard
    cdef public bint prefixed
    cdef public bint logged
    cdef public bint server_errors
    cdef public Balancer balancer
    cdef public long long body_limit
    cdef object _filtered
    cdef int _share
    cdef bytes _secret
    cdef public double warm_at
    cdef public double try_timeout
    cdef public double tunnel_idle
    cdef public double queue_seconds
    cdef public Py_ssize_t queue_size
    cdef public int tries
    cdef public object budget
    cdef public long in_flight
    cdef public long max_requests
    cdef public bint failing
    cdef public object waiting
    cdef public object route
    cdef public object id
    cdef public bytes message
    cdef public object clients
    cdef public bytes hsts
    cdef public double hold_seconds
    cdef public double connect_timeout
    cdef public double response_timeout
