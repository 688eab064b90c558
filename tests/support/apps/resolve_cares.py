"""What c-ares says, as `resolve.c99` has the C library say it; see there. A channel for each question, so none is cached."""

from __future__ import annotations

import socket
import sys
import time
from collections import Counter

import pycares

_ABSENT = {pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA}


def answered(ask):
    """Result and error of one question, and the milliseconds it took. `ask` takes the channel and the way back."""
    channel = pycares.Channel()
    given = []
    began = time.monotonic()
    ask(channel, lambda result, error: given.append((result, error, time.monotonic())))
    channel.wait()
    result, error, ended = given[0]
    channel.close()
    return result, error, 1000 * (ended - began)


def addresses(name, port=None):
    """Addresses of a name, the error, the milliseconds."""
    result, error, taken = answered(
        lambda channel, back: channel.getaddrinfo(name, port, type=socket.SOCK_STREAM, callback=back)
    )
    return [node.addr[0].decode() for node in result.nodes] if result else [], error, taken


def names(address):
    """The name of an address, the error, the milliseconds."""
    result, error, taken = answered(lambda channel, back: channel.gethostbyaddr(address, callback=back))
    return [result.name] if result else [], error, taken


def code(error):
    if error is None:
        return "ok"
    return "absent" if error in _ABSENT else f"error-{error}"


def connect_often(name, port, count):
    seen = Counter()
    for _ in range(count):
        for address in addresses(name, port)[0]:
            with socket.create_connection((address, port), 5):
                seen[address] += 1
            break
    for address, times in seen.items():
        sys.stdout.write(f"{address} {times}\n")


def main(verb, *arguments):
    if verb == "connect":
        connect_often(arguments[0], int(arguments[1]), int(arguments[2]))
        return
    for asked in arguments:
        found, error, taken = (names if verb == "reverse" else addresses)(asked)
        sys.stdout.write(f"{asked} {code(error)} {taken:.3f} {','.join(found)}\n")


main(*sys.argv[1:])
