from __future__ import annotations

import time

import pytest
import trustme

from tests.support.router import route
from tests.support.secure import House
from tidegate.policy import ClientCertificates, TlsPolicy
from tidegate.router.live import ONLY_KNOWN, LiveRoute
from tidegate.router.secure import (
    ACCESS_DENIED,
    NO_APPLICATION_PROTOCOL,
    UNRECOGNIZED_NAME,
    Front,
    client_line,
)
from tidegate.tls.hello import Hello

RULE = ClientCertificates(authority="staff")


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.pair("both", "a.test", "b.test")
    house.authority("staff", trustme.CA())
    return house


def front_of(house, *routes, **values):
    shelf = house.shelf(**values)
    shelf.look(time.time())
    front = Front(10, lambda host: [one for one in routes if one.route.host == host])
    front.follow(shelf.view, routes)
    return front


def test_hosts_of_one_certificate_share_a_context_but_for_those_of_known_clients(house):
    front = front_of(house, LiveRoute(route("b.test", tls=TlsPolicy(clients=RULE))))
    first = front.choose(Hello(name="a.test"), 0.0)
    assert first.rule is None
    assert front.choose(Hello(name="a.test"), 1.0).context is first.context
    known = front.choose(Hello(name="b.test"), 1.0)
    assert (known.host, known.rule) == (b"b.test", RULE)
    assert known.context is not first.context


def test_contexts_are_made_anew_after_hours_so_that_ticket_keys_change(house):
    front = front_of(house)
    first = front.choose(Hello(name="a.test"), 0.0).context
    assert front.choose(Hello(name="a.test"), 11 * 3600.0).context is first
    assert front.choose(Hello(name="a.test"), 13 * 3600.0).context is not first


def test_who_cannot_be_served_gets_an_alert(house):
    front = front_of(house, LiveRoute(route("b.test", tls=TlsPolicy(clients=ClientCertificates(authority="none")))))
    assert front.choose(Hello(name="c.test"), 0.0) == UNRECOGNIZED_NAME
    assert front.choose(Hello(), 0.0) == UNRECOGNIZED_NAME
    assert front.choose(Hello(name="a.test", protocols=(b"h2",)), 0.0) == NO_APPLICATION_PROTOCOL
    assert front.choose(Hello(name="b.test"), 0.0) == ACCESS_DENIED


def test_a_static_file_demands_certificates_for_hosts_that_labels_know_nothing_of(house, tmp_path):
    live = LiveRoute(route("a.test"))
    front = front_of(house, live)
    assert live.guard == 0
    front.view.clients = {"a.test": RULE}
    front.follow(front.view, [live])
    assert (live.guard, live.clients) == (ONLY_KNOWN, RULE)
    assert front.choose(Hello(name="a.test"), 0.0).rule == RULE
    front.view.clients = {}
    front.follow(front.view, [live])
    assert live.guard == 0


class Session:
    """A finished handshake in which the client showed this."""

    def __init__(self, der, *subject):
        self.der = der
        self.subject = tuple((pair,) for pair in subject)

    def getpeercert(self, binary_form=False):
        return self.der if binary_form else {"subject": self.subject}


def test_the_line_about_a_client_cannot_be_broken_out_of():
    subject = ("commonName", 'a";\r\nX-Evil: 1, \\b\u20ac')
    line = client_line(Session(b"der", subject))
    assert line.startswith(b"X-Forwarded-Client-Cert: Hash=")
    assert line.endswith(b'Subject="commonName=a????X-Evil: 1? ?b?"\r\n')
    assert line.count(b"\r\n") == 1
    assert client_line(Session(b"")) == b""
