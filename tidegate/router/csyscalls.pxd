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
    static inline int tidegate_wait(int descriptor, unsigned long long *events, int most, int milliseconds) {
        struct epoll_event found[TIDEGATE_EVENTS];
        int count, index;
        most = most < TIDEGATE_EVENTS ? most : TIDEGATE_EVENTS;
        count = epoll_wait(descriptor, found, most, milliseconds);
        for (index = 0; index < count; index++)
            events[index] = (unsigned long long) found[index].events << 32 | (unsigned int) found[index].data.fd;
        return count < 0 && errno == EINTR ? 0 : count;
    }
    """
    char *tidegate_received
    Py_ssize_t tidegate_recv(int descriptor, Py_ssize_t most) nogil
    Py_ssize_t tidegate_send(int descriptor, const char *data, Py_ssize_t size) nogil
    int tidegate_wait(int descriptor, unsigned long long *events, int most, int milliseconds) nogil

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

cdef inline list wait(object polled, int descriptor, int most, int milliseconds):
    cdef unsigned long long events[256]
    cdef int count, index
    with nogil:
        count = tidegate_wait(descriptor, events, most, milliseconds)
    if count < 0:
        PyErr_SetFromErrno(OSError)
    return [events[index] for index in range(count)]
