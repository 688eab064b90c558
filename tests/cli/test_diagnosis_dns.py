from __future__ import annotations

import contextlib
import socket
import threading

import dns.message
import dns.rcode
import pytest

from tests.support.cli import DEADLINE
from tidegate.cli import diagnosis_dns
from tidegate.cli.diagnosis import BROKEN, OK, WARNING
from tidegate.cli.diagnosis_dns import examine_dns
from tidegate.config import DnsConfig, ForwardZone
from tidegate.dns import wire
from tidegate.dns.loop import LoopCheck
from tidegate.model import Address, Nameserver

OURS = Address(host="127.0.0.1", port=5399)


@pytest.fixture(autouse=True)
def resolv_conf(tmp_path, monkeypatch):
    """An empty resolv.conf of the test's own, and little patience."""
    path = tmp_path / "resolv.conf"
    path.write_text("")
    monkeypatch.setattr(diagnosis_dns, "RESOLV_CONF", path)
    monkeypatch.setattr(diagnosis_dns, "ANSWER_SECONDS", 0.2)
    return path


@contextlib.contextmanager
def upstream(script):
    """A server that answers one query with what `script` makes of it."""

    def serve():
        with contextlib.suppress(OSError):
            data, address = sock.recvfrom(4096)
            sock.sendto(script(data), address)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(DEADLINE)
        thread = threading.Thread(target=serve)
        thread.start()
        yield Nameserver(host="127.0.0.1", port=sock.getsockname()[1])
        thread.join(DEADLINE)


def found(check, **config):
    settings = DnsConfig(**{"listeners": (OURS,), **config})
    return [finding for finding in examine_dns(settings) if finding.check == check]


def denied(data):
    reply = dns.message.make_response(dns.message.from_wire(data))
    reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


def test_an_upstream_that_answers_is_well_whatever_it_says():
    with upstream(denied) as server:
        (finding,) = found("upstream", upstreams=(server,))
    assert finding.state == OK
    assert finding.text.startswith(f"{server} answers in ")


def test_a_silent_upstream_is_a_warning():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        silent = Nameserver(host="127.0.0.1", port=sock.getsockname()[1])
        (finding,) = found("upstream", upstreams=(silent,))
    assert (finding.state, finding.text) == (WARNING, f"{silent}: no answer within 0.2 s")


def test_an_upstream_that_leads_back_to_us_is_broken():
    loops = LoopCheck((OURS,))
    with upstream(lambda data: loops.answer(wire.parse(data))) as server:
        (finding,) = found("upstream", upstreams=(server,))
    assert finding.state == BROKEN
    assert "back to us" in finding.text
    assert "--upstream-dns" in finding.mend


def test_upstreams_of_single_zones_are_asked_too():
    with upstream(denied) as server:
        findings = found("upstream", forward_zones=(ForwardZone(zone="corp.test", upstreams=(server,)),))
    assert [finding.state for finding in findings] == [OK]


def test_an_upstream_over_tls_must_take_connections():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Nameserver(host="127.0.0.1", port=listening.getsockname()[1], tls=True)
        assert found("upstream", upstreams=(server,))[0].state == OK
    assert found("upstream", upstreams=(server,))[0].state == WARNING


def test_a_resolv_conf_that_names_only_us_leaves_nobody_to_ask(resolv_conf):
    resolv_conf.write_text("nameserver 127.0.0.1\n")
    at_53 = (Address(host="0.0.0.0", port=53),)
    (finding,) = found("resolv.conf", listeners=at_53)
    assert (finding.state, "points at us" in finding.text) == (BROKEN, True)
    other = Nameserver(host="127.0.0.1", port=9)
    assert found("resolv.conf", listeners=at_53, upstreams=(other,))[0].state == OK
    assert found("upstreams", listeners=at_53)[0].state == WARNING


def test_without_upstreams_foreign_names_fail_or_are_refused_on_purpose():
    assert found("upstreams")[0].state == WARNING
    assert found("upstreams", forward=False)[0].state == OK
    assert not found("upstreams", listeners=())


def test_a_resolver_on_port_53_matters_only_to_who_wants_all_addresses(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        monkeypatch.setattr(diagnosis_dns, "RESOLVED", ("127.0.0.1", port))
        assert found("resolved", listeners=(Address(host="172.17.0.1", port=port),))[0].state == OK
        (finding,) = found("resolved", listeners=(Address(host="0.0.0.0", port=port),))
    assert finding.state == WARNING
    assert "DNSStubListener=no" in finding.mend
    assert found("resolved", listeners=(Address(host="0.0.0.0", port=port),))[0].text.startswith("nobody")
