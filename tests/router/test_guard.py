from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.support.router import route
from tidegate.errors import Reason
from tidegate.http1.events import RequestHead
from tidegate.policy import ClientCertificates, TlsPolicy
from tidegate.router.guard import REDIRECT, https_location, verdict
from tidegate.router.live import LiveRoute

RULE = ClientCertificates(authority="staff")
OTHER = ClientCertificates(authority="partners")
OPEN = LiveRoute(route())
ONLY = LiveRoute(route(tls=TlsPolicy(only=True)))
KNOWN = LiveRoute(route(tls=TlsPolicy(clients=RULE)))


def head(host=b"a.test", authority=b"", proto=b"", target=b"/x?y"):
    made = RequestHead()
    made.host, made.authority, made.claimed_proto, made.target = host, authority or host, proto, target
    return made


def relay(secure=False, bound=None, rule=None, trusted=False, port=8443):
    core = SimpleNamespace(secure_port=port)
    return SimpleNamespace(secure=secure, bound=bound, rule=rule, trusted=trusted, core=core)


@pytest.mark.parametrize(
    ("connection", "route", "asked", "expected"),
    [
        (relay(), ONLY, head(), REDIRECT),
        (relay(), KNOWN, head(), REDIRECT),
        (relay(port=0), ONLY, head(), None),
        (relay(port=0), KNOWN, head(), Reason.TLS_REQUIRED),
        (relay(), ONLY, head(proto=b"https"), REDIRECT),
        (relay(trusted=True), ONLY, head(proto=b"https"), None),
        (relay(trusted=True), KNOWN, head(proto=b"https"), Reason.TLS_REQUIRED),
        (relay(secure=True), ONLY, head(), None),
        (relay(secure=True), KNOWN, head(), Reason.MISDIRECTED),
        (relay(secure=True, bound=b"a.test", rule=OTHER), KNOWN, head(), Reason.MISDIRECTED),
        (relay(secure=True, bound=b"a.test", rule=RULE), KNOWN, head(), None),
        (relay(secure=True, bound=b"a.test", rule=RULE), OPEN, head(), None),
        (relay(secure=True, bound=b"a.test", rule=RULE), OPEN, head(b"b.test"), Reason.MISDIRECTED),
        (relay(secure=True, bound=b"b.test", rule=RULE), KNOWN, head(), Reason.MISDIRECTED),
    ],
)
def test_who_may_ask_for_what(connection, route, asked, expected):
    assert verdict(connection, route, asked) is expected


@pytest.mark.parametrize(
    ("asked", "port", "location"),
    [
        (head(), 8443, b"https://a.test/x?y"),
        (head(authority=b"a.test:8080"), 8443, b"https://a.test:8443/x?y"),
        (head(authority=b"a.test:80"), 443, b"https://a.test/x?y"),
        (head(b"[::1]", b"[::1]:8080"), 8443, b"https://[::1]:8443/x?y"),
        (head(target=b"*"), 8443, b"https://a.test/"),
    ],
)
def test_the_same_request_goes_to_the_port_that_stands_beside_the_one_it_came_to(asked, port, location):
    assert https_location(asked, port) == location
