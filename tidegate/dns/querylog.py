"""The query log: one line of JSON per query, or per some of them. Costs nothing where it is off: then there is none.

Lines wait for at most a quarter of a second and then go to the thread that writes (`logfile`), which is bounded and drops
what it cannot hold. Who asks is named by the container that has the address, where the table knows one.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

import msgspec

from tidegate.dns import wire
from tidegate.dns.view import Asker
from tidegate.logfile import LogFile

_BATCH = 256  # lines handed over at once, at the latest
_MAX_ASKERS = 4096
_RCODES = {**wire.RCODES, 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE"}
_KINDS = {number: name for name, number in wire.TYPES.items()}


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `container` is empty for an asker that no container is known for; `upstream` is whose answer it was, where one
    was asked; `size` is the reply's, in octets."""

    time: str
    client: str
    container: str = ""
    protocol: str
    name: str
    type: str
    rcode: str
    source: str
    upstream: str = ""
    size: int
    duration_us: int


class QueryLog:
    """Writes to `path`, of `sample` (0 to 1) of all queries. `name_of` tells the container of an address in wire form."""

    def __init__(
        self,
        path: str,
        sample: float,
        name_of: Callable[[bytes], str],
        *,
        chance: Callable[[], float] = random.random,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._file = LogFile(path, "query log")
        self._sample = sample
        self._name_of = name_of
        self._chance = chance
        self._wall = wall
        self._lines: list[bytes] = []
        self._askers: dict[bytes, tuple[str, str]] = {}  # source -> its text and its container, until `forget`

    @property
    def dropped(self) -> int:
        """Lines that nobody will see."""
        return self._file.dropped

    def open(self) -> None:
        """Before the first query."""
        self._file.open()

    def reopen(self) -> None:
        """The file was moved away: begin a new one."""
        self._file.reopen()

    def close(self) -> None:
        """After the last query."""
        self.flush()
        self._file.close()

    def flush(self) -> None:
        """Hand what waits to the thread that writes."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._file.write(lines)

    def forget(self) -> None:
        """The table changed: an address may have another container now."""
        self._askers.clear()

    def note(self, reply: bytes, asker: Asker, source: str, rcode: int, seconds: float, upstream: str = "") -> None:
        """Write a line about this reply, if its turn has come."""
        if self._sample < 1.0 and self._chance() >= self._sample:
            return
        client, container = self._asker(asker.source)
        name, qtype = _question(reply)
        found = Line(
            time=_stamp(self._wall()),
            client=client,
            container=container,
            protocol=asker.protocol,
            name=name,
            type=qtype,
            rcode=_RCODES.get(rcode, f"RCODE{rcode}"),
            source=source,
            upstream=upstream,
            size=len(reply),
            duration_us=int(seconds * 1e6),
        )
        self._lines.append(msgspec.json.encode(found) + b"\n")
        if len(self._lines) >= _BATCH:
            self.flush()

    def _asker(self, source: bytes) -> tuple[str, str]:
        found = self._askers.get(source)
        if found is None:
            if len(self._askers) >= _MAX_ASKERS:
                self._askers.clear()
            family = socket.AF_INET if len(source) == 4 else socket.AF_INET6
            found = self._askers[source] = (socket.inet_ntop(family, source), self._name_of(source))
        return found


def _question(reply: bytes) -> tuple[str, str]:
    """Name and type as people write them; empty where the query had no question that could be read."""
    if reply[4:6] != b"\0\1":
        return "", ""
    end = wire.name_end(reply, 12)
    qtype = int.from_bytes(reply[end : end + 2])
    return wire.decode(reply[12:end]), _KINDS.get(qtype, f"TYPE{qtype}")


def _stamp(now: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1000):03d}Z"
