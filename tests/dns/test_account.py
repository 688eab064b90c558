from __future__ import annotations

import dns.message
import pytest

from tests.support.dns import LOCAL, STRANGER, name, target, zone_of
from tidegate.control.metrics import Registry
from tidegate.dns import wire
from tidegate.dns.account import Account
from tidegate.dns.standing import Standing
from tidegate.dns.tally import Durations


@pytest.fixture
def registry():
    return Registry()


def asked(zone, qname, qtype, *, times=1, stream=False, source=STRANGER):
    data = dns.message.make_query(qname, qtype, use_edns=True, want_dnssec=True).to_wire()
    asker = zone.asker(source, LOCAL, stream)
    zone.resolve(wire.parse(data), asker)
    for _ in range(times):
        assert zone.answer(data, asker)


def test_replies_are_told_under_the_names_that_coredns_has(registry):
    zone = zone_of(name("web", target("1.web", "10.1.0.1")))
    asked(zone, "web", "A", times=2)
    asked(zone, "web", "AAAA", stream=True, source=bytes(15) + b"\1")
    account = Account(registry)
    account.zone(zone)
    said = registry.value
    assert said("tidegate_dns_responses_total", type="A", rcode="NOERROR") == 3
    assert said("tidegate_dns_requests_total", type="A", proto="udp", family="1") == 3
    assert said("tidegate_dns_requests_total", type="AAAA", proto="tcp", family="2") == 2
    assert said("tidegate_dns_do_requests_total") == 3  # the long way's are counted at the desk
    text = registry.text().decode()
    assert 'tidegate_dns_request_size_bytes_bucket{le="64",proto="udp"} 2.0' in text
    assert 'tidegate_dns_response_size_bytes_count{proto="tcp"} 1.0' in text


def test_only_growth_is_told(registry):
    zone = zone_of(name("web", target("1.web", "10.1.0.1")))
    account = Account(registry)
    for times in (1, 2):
        asked(zone, "web", "A", times=times)
        account.zone(zone)
        account.zone(zone)
    assert registry.value("tidegate_dns_responses_total", type="A", rcode="NOERROR") == 5


class Asked:
    """An upstream as it is reported on."""

    def __init__(self, server, outcomes):
        self.server = server
        self.standing = Standing()
        self.durations = {}
        for outcome, times in outcomes.items():
            self.durations[outcome] = Durations((0.1, 1.0))
            self.durations[outcome].add(0.5, times)


def test_foreign_names_are_told_as_cache_and_proxy(registry):
    account = Account(registry)
    good, bad = Asked("192.0.2.1:53", {"NOERROR": 7, "timeout": 1}), Asked("192.0.2.2:53", {"timeout": 3, "error": 2})
    for _ in range(3):
        bad.standing.failed(0.0)
    counters = {"cached": 5, "stale": 1, "answered": 7, "failed": 2, "prefetched": 3, "evicted": 4, "overload": 6}
    account.forwarder(counters, (10, 4096), [good, bad])
    account.forwarder(counters, (10, 4096), [good, bad])
    said = registry.value
    assert said("tidegate_dns_cache_requests_total") == 15
    assert (said("tidegate_dns_cache_hits_total"), said("tidegate_dns_cache_served_stale_total")) == (5, 1)
    assert (said("tidegate_dns_cache_prefetch_total"), said("tidegate_dns_cache_evictions_total")) == (3, 4)
    assert (said("tidegate_dns_cache_entries"), said("tidegate_dns_cache_size_bytes")) == (10, 4096)
    assert said("tidegate_dns_forward_max_concurrent_rejects_total") == 6
    assert said("tidegate_dns_proxy_healthcheck_failures_total", to="192.0.2.2:53") == 5
    assert [said("tidegate_dns_proxy_up", to=f"192.0.2.{n}:53") for n in (1, 2)] == [1, 0]
    line = 'tidegate_dns_proxy_request_duration_seconds_count{rcode="timeout",to="192.0.2.1:53"} 1.0'
    assert line in registry.text().decode()


def test_times_and_drops_are_told(registry):
    durations = {"udp": Durations(), "tcp": Durations()}
    account = Account(registry)
    for _ in range(2):
        durations["udp"].add(0.0001, 3)
        account.desk(durations, {"malformed": 4}, 2)
    assert 'tidegate_dns_request_duration_seconds_count{proto="udp"} 6.0' in registry.text().decode()
    assert b'proto="tcp"' not in registry.text()
    assert registry.value("tidegate_dns_dropped_total", reason="malformed") == 4
    assert registry.value("tidegate_dns_acl_blocked_requests_total") == 2
