"""The request target: its forms, and the segments that step out of a path (RFC 9112 section 3.2, RFC 3986 section 5.2.4)."""

from __future__ import annotations


def origin_form(target: bytes, method: bytes) -> tuple[bytes, bytes] | None:
    """(target in origin form, authority it named) of a target that does not begin with `/`: absolute form, or `*` of OPTIONS,
    which names nobody. None for every other form."""
    if target == b"*" and method == b"OPTIONS":
        return target, b""
    scheme, separator, rest = target.partition(b"://")
    if separator == b"" or scheme.lower() not in (b"http", b"https"):
        return None
    cut = min([at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0], default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    if authority == b"":
        return None
    if tail == b"" and method == b"OPTIONS":
        return b"*", authority
    return (tail if tail[:1] == b"/" else b"/" + tail), authority


def has_dot_segments(path: bytes) -> bool:
    """Whether a segment of the path is `.` or `..`, written plainly or as `%2e` (RFC 3986 section 5.2.4).

    Some servers drop a parameter (`..;x`) first, so it does not count."""
    segments = path.lower().replace(b"%2e", b".").split(b"/")
    return any(segment.partition(b";")[0] in (b".", b"..") for segment in segments)
