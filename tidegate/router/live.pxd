from tidegate.router.balancer cimport Balancer
from tidegate.router.counters cimport Counters
from tidegate.router.selection cimport Selection

cdef class LiveRoute:
    cdef public Balancer balancer
    cdef public object chain
    cdef public object choice
    cdef public long long body_limit
    cdef object _filtered
    cdef int _share
    cdef bytes _secret
    cdef public Selection selection
    cdef public double warm_at
    cdef public double answer_timeout
    cdef public double try_timeout
    cdef public double request_timeout
    cdef public double tunnel_idle
    cdef public double queue_seconds
    cdef public Py_ssize_t queue_size
    cdef public int tries
    cdef public bint server_errors
    cdef public object budget
    cdef public long long requests
    cdef public long in_flight
    cdef public long max_requests
    cdef public bint failing
    cdef public Counters counters
    cdef public object waiting
    cdef public object route
    cdef public object id
    cdef public int mode
    cdef public bytes message
    cdef public bint prefixed
    cdef public int guard
    cdef public object clients
    cdef public bytes hsts
    cdef public object upstream_tls
    cdef public double hold_seconds
    cdef public double connect_timeout
    cdef public double response_timeout
    cdef public bytes log_part
    cdef public bint logged
