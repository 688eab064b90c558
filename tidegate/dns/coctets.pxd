# The functions of `octets.py` for compiled modules. They must behave alike.

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

ctypedef unsigned char *Octets

cdef extern from *:
    """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/socket.h>

    static inline unsigned long long tidegate_number(const unsigned char *octets) {
        uint64_t value;
        memcpy(&value, octets, 8);
        return value;
    }
    static inline void tidegate_set_number(unsigned char *octets, unsigned long long number) {
        uint64_t value = number;
        memcpy(octets, &value, 8);
    }
    static inline Py_ssize_t tidegate_zero(const unsigned char *octets, Py_ssize_t size) {
        const unsigned char *found = size > 0 ? memchr(octets, 0, size) : NULL;
        return found ? found - octets : -1;
    }
    static inline void tidegate_lower(unsigned char *to, const unsigned char *octets, Py_ssize_t size) {
        Py_ssize_t at;
        for (at = 0; at < size; at++)
            to[at] = octets[at] | ((unsigned char) (octets[at] - 'A') < 26 ? 0x20 : 0);
    }
    /* Each block is mixed in by a multiplication whose halves are folded together (the step of wyhash). */
    static inline unsigned long long tidegate_mixed(uint64_t one, uint64_t other) {
        unsigned __int128 product = (unsigned __int128) (one ^ 0xa0761d6478bd642fULL) * (other ^ 0xe7037ed1a0b428dbULL);
        return (uint64_t) product ^ (uint64_t) (product >> 64);
    }
    static inline unsigned long long tidegate_digest(const unsigned char *octets, Py_ssize_t size, unsigned long long key) {
        uint64_t value = key, block;
        Py_ssize_t left = size;
        for (; left >= 8; left -= 8, octets += 8) {
            memcpy(&block, octets, 8);
            value = tidegate_mixed(value, block ^ key);
        }
        block = 0;
        memcpy(&block, octets, left);
        value = tidegate_mixed(value, block ^ key);
        return tidegate_mixed(value, (uint64_t) size ^ key);
    }
    static inline void tidegate_count_down(unsigned char *octets, unsigned long long seconds) {
        uint32_t value;
        memcpy(&value, octets, 4);
        value = ntohl(value);
        value = htonl(value > seconds ? value - (uint32_t) seconds : 0);
        memcpy(octets, &value, 4);
    }
    static inline int tidegate_receive_many(int descriptor, unsigned char *heads, unsigned int most) {
        int count = recvmmsg(descriptor, (struct mmsghdr *) heads, most, 0, NULL);
        return count < 0 ? -errno : count;
    }
    static inline int tidegate_send_many(int descriptor, unsigned char *heads, unsigned int count) {
        return sendmmsg(descriptor, (struct mmsghdr *) heads, count, 0);
    }
    """
    unsigned long long tidegate_number(const unsigned char *octets) nogil
    void tidegate_set_number(unsigned char *octets, unsigned long long number) nogil
    Py_ssize_t tidegate_zero(const unsigned char *octets, Py_ssize_t size) nogil
    void tidegate_lower(unsigned char *to, const unsigned char *octets, Py_ssize_t size) nogil
    unsigned long long tidegate_digest(const unsigned char *octets, Py_ssize_t size, unsigned long long key) nogil
    void tidegate_count_down(unsigned char *octets, unsigned long long seconds) nogil
    int tidegate_receive_many(int descriptor, unsigned char *heads, unsigned int most) nogil
    int tidegate_send_many(int descriptor, unsigned char *heads, unsigned int count) nogil
    void *memcpy(void *to, const void *octets, size_t size) nogil
    int memcmp(const void *one, const void *other, size_t size) nogil

cdef inline Octets place(object buffer) except NULL:
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE)
    cdef Octets found = <Octets> view.buf
    PyBuffer_Release(&view)
    return found

cdef inline unsigned long long number(Octets octets, Py_ssize_t at) noexcept:
    return tidegate_number(octets + at)

cdef inline void set_number(Octets octets, Py_ssize_t at, unsigned long long value) noexcept:
    tidegate_set_number(octets + at, value)

cdef inline void copy(Octets to, Py_ssize_t at, Octets octets, Py_ssize_t start, Py_ssize_t size) noexcept:
    memcpy(to + at, octets + start, size)

cdef inline void put(Octets to, Py_ssize_t at, bytes data) noexcept:
    memcpy(to + at, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

cdef inline bytes taken(Octets octets, Py_ssize_t start, Py_ssize_t size):
    return PyBytes_FromStringAndSize(<char *> octets + start, size)

cdef inline bytes part(bytes data, Py_ssize_t start, Py_ssize_t end):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    end = min(end, size)
    start = min(start, end)
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + start, end - start)

cdef inline bytes lowered(bytes data, Py_ssize_t start, Py_ssize_t end):
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
    end = min(end, size)
    start = min(start, end)
    cdef bytes found = PyBytes_FromStringAndSize(NULL, end - start)
    tidegate_lower(<Octets> PyBytes_AS_STRING(found), <Octets> PyBytes_AS_STRING(data) + start, end - start)
    return found

cdef inline Py_ssize_t zero_at(bytes data, Py_ssize_t start) noexcept:
    cdef Py_ssize_t found = tidegate_zero(<Octets> PyBytes_AS_STRING(data) + start, PyBytes_GET_SIZE(data) - start)
    return found + start if found >= 0 else -1

cdef inline bint stands(bytes data, Py_ssize_t at, bytes part) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(part)
    return at + size <= PyBytes_GET_SIZE(data) and memcmp(PyBytes_AS_STRING(data) + at, PyBytes_AS_STRING(part), size) == 0

cdef inline bint same(Octets one, Py_ssize_t at, Octets other, Py_ssize_t start, Py_ssize_t size) noexcept:
    return memcmp(one + at, other + start, size) == 0

cdef inline bint holds(Octets octets, Py_ssize_t at, bytes data) noexcept:
    return memcmp(octets + at, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)) == 0

cdef inline Py_ssize_t zero(Octets octets, Py_ssize_t start, Py_ssize_t size) noexcept:
    return tidegate_zero(octets + start, size)

cdef inline void lower(Octets to, Octets octets, Py_ssize_t start, Py_ssize_t size) noexcept:
    tidegate_lower(to, octets + start, size)

cdef inline unsigned long long digest(Octets octets, Py_ssize_t size, unsigned long long key) noexcept:
    return tidegate_digest(octets, size, key)

cdef inline void count_down(Octets octets, Py_ssize_t at, unsigned long long seconds) noexcept:
    tidegate_count_down(octets + at, seconds)

cdef inline Py_ssize_t receive_many(int descriptor, Octets heads, unsigned int most) noexcept:
    with nogil:
        return tidegate_receive_many(descriptor, heads, most)

cdef inline Py_ssize_t send_many(int descriptor, Octets heads, Py_ssize_t at, unsigned int count) noexcept:
    with nogil:
        return tidegate_send_many(descriptor, heads + at, count)
