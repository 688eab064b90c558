"""Host and path index: which target serves this host and path. Pure; HOT, guarded by `make bench` (10 and 10 000 routes).

Exact host first, then `*.suffix` for exactly one more label (as in TLS names, RFC 6125 section 6.4.3); within a host the
longest prefix whose end is a segment boundary wins: `/api` takes `/api` and `/api/x`, never `/apix`. Bytes are compared
as they were received and will be forwarded; nothing is decoded. A host that matches exactly never falls back to a
wildcard, so that a path that is not there is a 404 of that host.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class HostEntry:
    """The routes of one host, longest path first. `root` is set where `/` is the only path: the common case."""

    __slots__ = ("paths", "root", "targets")

    def __init__(self, routes: Iterable[tuple[bytes, Any]]) -> None:
        ordered = sorted(routes, key=lambda route: (-len(route[0]), route[0]))
        self.paths: tuple[bytes, ...] = tuple(path for path, _ in ordered)
        self.targets: tuple[Any, ...] = tuple(target for _, target in ordered)
        self.root: Any = self.targets[0] if self.paths == (b"/",) else None


class Matcher:
    """Immutable index; `with_hosts` gives the next one and shares what did not change. A host whose only path is `/` leads
    straight to its target, which spares the walk through its entry: among 10 000 hosts none of it is in the cache."""

    __slots__ = ("exact", "wildcard")

    def __init__(
        self, exact: dict[bytes, HostEntry | Any] | None = None, wildcard: dict[bytes, HostEntry | Any] | None = None
    ) -> None:
        self.exact: dict[bytes, HostEntry | Any] = exact if exact is not None else {}
        self.wildcard: dict[bytes, HostEntry | Any] = wildcard if wildcard is not None else {}

    def host(self, host: bytes) -> HostEntry | Any:
        """The entry, or the only target, for a lower-case host without port; cost does not depend on the number of hosts."""
        entry = self.exact.get(host)
        if entry is None and self.wildcard:
            dot = host.find(b".")
            if dot > 0:
                entry = self.wildcard.get(host[dot:])
        return entry

    def match(self, host: bytes, path: bytes) -> Any:
        """The target for `host` and `path` (up to the `?`), or None."""
        found = self.host(host)
        return match_path(found, path) if isinstance(found, HostEntry) else found

    def with_hosts(self, changes: dict[bytes, HostEntry | None]) -> Matcher:
        """The matcher with these hosts (exact, or `*.suffix`) replaced; None removes one."""
        exact, wildcard = self.exact, self.wildcard
        for host, entry in changes.items():
            if host[:2] == b"*.":
                wildcard = _put(wildcard, self.wildcard, host[1:], entry)
            else:
                exact = _put(exact, self.exact, host, entry)
        return Matcher(exact, wildcard)


def _put(
    index: dict[bytes, HostEntry | Any], original: dict[bytes, HostEntry | Any], key: bytes, entry: HostEntry | None
) -> dict[bytes, HostEntry | Any]:
    if index is original:
        index = original.copy()
    if entry is None:
        index.pop(key, None)
    else:
        index[key] = entry if entry.root is None else entry.root
    return index


def match_path(entry: HostEntry, path: bytes) -> Any:
    """The target of the longest prefix of `path` that ends at a segment boundary, or None."""
    size = len(path)
    for index, prefix in enumerate(entry.paths):
        length = len(prefix)
        if length > size:
            continue
        if prefix == b"/" or (path.startswith(prefix) and (length == size or path[length] == 47)):
            return entry.targets[index]
    return None
