# The calls of `syscalls.py` for compiled modules. They must behave alike; tests/router/test_syscalls.py and the tests of the
# reactor run over both.

from cpython.bytes cimport PyBytes_FromStringAndSize, PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_SetFromErrno

cdef extern from *:
    """
    #include <errno.h>
    #include <stdint.h>
    #include <sys/epoll.h>
    #include <sys/socket.h>

    #define TIDEGATE_RECEIVE 65536
    #define TIDEGATE_EVENTS 256
    static char tidegate_received[TIDEGATE_RECEIVE];
    static struct epoll_event tidegate_events[TIDEGATE_EVENTS];

    static inline Py_ssize_t tidegate_recv(int descriptor, Py_ssize_t most) {
        Py_ssize_t size;
        if (most > TIDEGATE_RECEIVE) most = TIDEGATE_RECEIVE;
        do size = recv(descriptor, tidegate_received, most, 0); while (size < 0 && errno == EINTR);
        return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : size;
    }
    static inline Py_ssize_t tidegate_send(int descriptor, const char *data, Py_ssize_t size) {
        Py_ssize_t sent;
        do sent = send(descriptor, data, size, MSG_NOSIGNAL); while (sent < 0 && errno == EINTR);
        return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
    }
    static inline int tidegate_wait(int descriptor, int most) {
        int count = epoll_wait(descriptor, tidegate_events, most < TIDEGATE_EVENTS ? most : TIDEGATE_EVENTS, 0);
        return count < 0 && errno == EINTR ? 0 : count;
    }
    static inline unsigned int tidegate_flags(int index) { return tidegate_events[index].events; }
    static inline int tidegate_ready(int index) { return tidegate_events[index].data.fd; }
    """
    char *tidegate_received
    Py_ssize_t tidegate_recv(int descriptor, Py_ssize_t most) nogil
    Py_ssize_t tidegate_send(int descriptor, const char *data, Py_ssize_t size) nogil
    int tidegate_wait(int descriptor, int most) nogil
    unsigned int tidegate_flags(int index) nogil
    int tidegate_ready(int index) nogil

cdef inline bytes receive(int descriptor, Py_ssize_t most):
    cdef Py_ssize_t size = tidegate_recv(descriptor, most)
    if size == -2:
        return None
    if size < 0:
        PyErr_SetFromErrno(OSError)
    return PyBytes_FromStringAndSize(tidegate_received, size)

cdef inline Py_ssize_t send(int descriptor, bytes data) except -1:
    cdef Py_ssize_t size = tidegate_send(descriptor, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    if size < 0:
        PyErr_SetFromErrno(OSError)
    return size

cdef inline list wait(object polled, int descriptor, int most):
    cdef int count = tidegate_wait(descriptor, most)
    cdef int index
    if count < 0:
        PyErr_SetFromErrno(OSError)
    return [(<unsigned long long> tidegate_flags(index)) << 32 | tidegate_ready(index) for index in range(count)]
