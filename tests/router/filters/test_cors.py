from __future__ import annotations

import pytest

from tests.support.asks import ask
from tidegate.policy import Cors
from tidegate.router.filters.cors import CorsStep

PREFLIGHT = ("Origin: https://app.test", "Access-Control-Request-Method: PUT")
ALLOWING = Cors(
    origins=("https://app.test", "https://*.b.test"), methods=("GET", "PUT"), headers=("X-A",), expose=("X-B",)
)


def named(lines, name):
    return [line.partition(": ")[2] for line in lines.decode().split("\r\n") if line.lower().startswith(f"{name}:")]


def test_a_preflight_is_answered_here():
    answer = CorsStep(ALLOWING).on_request(ask("/", *PREFLIGHT, method="OPTIONS"))
    assert answer.status == 204
    assert named(answer.lines, "access-control-allow-origin") == ["https://app.test"]
    assert named(answer.lines, "access-control-allow-methods") == ["GET, PUT"]
    assert named(answer.lines, "access-control-allow-headers") == ["X-A"]
    assert named(answer.lines, "vary") == ["Origin"]


@pytest.mark.parametrize(
    ("lines", "method"),
    [(PREFLIGHT, "GET"), (PREFLIGHT[:1], "OPTIONS"), (PREFLIGHT[1:], "OPTIONS")],
)
def test_what_is_no_preflight_goes_to_the_container(lines, method):
    assert CorsStep(ALLOWING).on_request(ask("/", *lines, method=method)) is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.test", True),
        ("http://app.test", False),
        ("https://x.b.test", True),
        ("https://x.y.b.test", False),
        ("https://.b.test", False),
        ("https://b.test", False),
        ("https://evilapp.test", False),
        ("null", False),
    ],
)
def test_only_listed_origins_are_told_they_may_read(origin, allowed):
    step = CorsStep(ALLOWING)
    theirs = b"Access-Control-Allow-Origin: *\r\nX: 1\r\n"
    lines = step.edited(theirs, ask("/", f"Origin: {origin}").head.fields)
    assert named(lines, "access-control-allow-origin") == ([origin] if allowed else [])
    assert named(lines, "access-control-expose-headers") == (["X-B"] if allowed else [])
    assert named(lines, "vary") == ["Origin"]
    answer = step.on_request(ask("/", f"Origin: {origin}", PREFLIGHT[1], method="OPTIONS"))
    assert answer.status == (204 if allowed else 403)


def test_any_origin_is_a_star_unless_credentials_are_shared():
    asked = ask("/", "Origin: https://x.test").head.fields
    assert named(CorsStep(Cors(origins=("*",))).edited(b"", asked), "access-control-allow-origin") == ["*"]
    sharing = CorsStep(Cors(origins=("*",), credentials=True)).edited(b"", asked)
    assert named(sharing, "access-control-allow-origin") == ["https://x.test"]
    assert named(sharing, "access-control-allow-credentials") == ["true"]
