from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import Reason
from tidegate.http1.writer import answer, number


@given(st.integers(0, 10**18))
def test_a_number_is_its_decimal_digits(value):
    assert number(value) == str(value).encode()


def read(data, method="GET"):
    reading = h11.Connection(h11.CLIENT)
    reading.send(h11.Request(method=method, target="/", headers=[("Host", "a.test")]))
    reading.send(h11.EndOfMessage())
    reading.receive_data(data)
    head = reading.next_event()
    body = b""
    while isinstance(event := reading.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert reading.trailing_data[0] == b""
    return head.status_code, {name.decode(): value.decode() for name, value in head.headers}, body


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("close", [True, False])
def test_every_reason_is_a_whole_answer(reason, close):
    status, headers, body = read(answer(reason, b"", b"", False, close))
    assert status == (reason.status if reason.status != 499 else 500)
    assert headers["x-tidegate-reason"] == reason.token
    assert headers["cache-control"] == "no-store"
    assert ("connection" in headers) == close
    assert ("retry-after" in headers) == (status == 503)
    assert len(body) == int(headers["content-length"])


def test_an_answer_to_head_has_the_length_and_no_body():
    status, headers, body = read(answer(Reason.NO_ROUTE, b"", b"", True, False), "HEAD")
    assert (status, body) == (404, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(("page", "kind"), [(b" <h1>x</h1>", "text/html"), (b"plain", "text/plain")])
def test_a_page_is_sent_as_what_it_looks_like(page, kind):
    _, headers, body = read(answer(Reason.MAINTENANCE, page, b"", False, False))
    assert body == page
    assert headers["content-type"] == f"{kind}; charset=utf-8"
