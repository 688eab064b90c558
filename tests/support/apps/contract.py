"""What every application behind the router answers, whatever server runs it; `node.js` beside this file is its twin.

`/bytes/N` N octets with their length · `/stream/N` the same without · `/echo` the request's body · `/fields` the request's
fields as JSON · `/target` the request's target · `/cookies` repeated fields · `/status/N` no body · `/events/NAME` three
server-sent events, each after the one before was seen, which `/seen/NAME.N` tells · `/page` for browsers · `/refuse` 413,
the body unread · `/last` says `Connection: close` · all else 404.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

PIECE = 16384
EVENTS = 3
GATE_SECONDS = 10.0
POLL_SECONDS = 0.005
_PATTERN = bytes(range(251))
COOKIES = [("Set-Cookie", f"c{number}={number}; Path=/") for number in range(4)] + [
    ("X-Many", "one"),
    ("Link", "</a>; rel=preload"),
    ("X-Many", "two"),
    ("Link", "</b>; rel=preload"),
]


def content(size):
    """The octets that every server gives for that size."""
    return (_PATTERN * (size // len(_PATTERN) + 1))[:size]


def pieces(size):
    """The same, cut."""
    whole = content(size)
    return [whole[at : at + PIECE] for at in range(0, size, PIECE)]


def event(number):
    """One server-sent event."""
    return b"id: %d\ndata: event %d\n\n" % (number, number)


def gate(name, number, folder=None):
    """The file that says that an event was seen."""
    return Path(folder or os.environ["GATES"]) / f"{name}.{number}"


def opened(name, number):
    """Whether the reader has seen that event."""
    return gate(name, number).exists()


def wait_for_gate(name, number):
    """Wait until the reader has seen that event; whether it has."""
    end = time.monotonic() + GATE_SECONDS
    while not opened(name, number):
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)  # the reader is another process, and a file announces nothing
    return True


FRAMEWORKS = {"echo", "stream", "events", "refuse"}  # what an application does itself


def answer(path, fields, target):
    """Status, fields and body of what every framework says alike, or None for what it must do itself."""
    what, _, rest = path.strip("/").partition("/")
    if what in FRAMEWORKS:
        return None
    if what == "bytes":
        return 200, [], content(int(rest))
    if what == "fields":
        return 200, [("Content-Type", "application/json")], json.dumps(fields).encode()
    if what == "target":
        return 200, [], target
    if what == "cookies":
        return 200, COOKIES, b"cookies"
    if what == "status":
        return int(rest), [("ETag", '"one"')], None
    if what == "seen":
        name, _, number = rest.rpartition(".")
        gate(name, int(number)).touch()
        return 200, [], b"thank you"
    if what == "page":
        return 200, [("Content-Type", "text/html; charset=utf-8")], Path(__file__).with_name("page.html").read_bytes()
    if what == "last":
        return 200, [("Connection", "close")], b"last"
    return 404, [], b"nothing here"
