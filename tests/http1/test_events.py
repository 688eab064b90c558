from __future__ import annotations

from tidegate.http1.events import FRAMING_NONE, Limits, RequestHead, ResponseHead


def test_a_new_head_is_at_rest():
    request, response = RequestHead(), ResponseHead()
    assert (request.error, request.method, request.framing, request.keep_alive) == (None, b"", FRAMING_NONE, True)
    assert (response.error, response.status, response.framing, response.keep_alive) == (None, 0, FRAMING_NONE, True)


def test_clearing_forgets_what_was_there():
    request = RequestHead()
    request.host, request.upgrade, request.length = b"a.test", True, 7
    request.clear()
    assert (request.host, request.upgrade, request.length) == (b"", False, 0)


def test_the_limits_are_those_of_the_documentation_unless_told_otherwise():
    limits = Limits()
    assert (limits.head_bytes, limits.headers, limits.target_bytes) == (65536, 128, 16384)
