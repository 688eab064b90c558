from __future__ import annotations

import pytest

from tests.support.dns import LOCAL, addresses, ask, data, name, place, publish, target, zone_of
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.model import DnsMode

WEB = name("web", target("1.web", "10.1.0.1", "fd00::1", ports=[80]), target("2.web", "10.1.0.2", ports=[80, 443]))


def soa(message):
    (rrset,) = message.authority
    return rrset


def test_a_and_aaaa_give_the_addresses_of_the_ready_targets():
    zone = zone_of(WEB, name("half", target("x", "10.1.0.3"), target("y", "10.1.0.4", ready=False)))
    assert sorted(addresses(ask(zone, "web.mesh.test"))) == ["10.1.0.1", "10.1.0.2"]
    assert addresses(ask(zone, "web", "AAAA")) == ["fd00::1"]
    assert addresses(ask(zone, "half")) == ["10.1.0.3"]


def test_replicas_take_turns_in_coming_first():
    zone = zone_of(WEB)
    assert {addresses(ask(zone, "web"))[0] for _ in range(4)} == {"10.1.0.1", "10.1.0.2"}


def test_one_record_mode_gives_single_records_by_weight():
    zone = zone_of(name("web", target("a", "10.1.0.1", weight=3), target("b", "10.1.0.2", weight=1), mode=DnsMode.ONE))
    given = [addresses(ask(zone, "web")) for _ in range(8)]
    assert all(len(one) == 1 for one in given)
    assert [given.count([f"10.1.0.{n}"]) for n in (1, 2)] == [6, 2]


def test_proxy_mode_gives_the_address_the_asker_reached():
    zone = zone_of(name("shop.example", target("t", "10.1.0.1"), mode=DnsMode.PROXY, absolute=True))
    assert addresses(ask(zone, "shop.example", local=LOCAL)) == ["10.9.0.1"]
    assert addresses(ask(zone, "shop.example", local=packed("10.8.0.1"))) == ["10.8.0.1"]
    assert not ask(zone, "shop.example", "AAAA").answer
    assert addresses(ask(zone, "shop.example", "AAAA", local=packed("fd00::9"))) == ["fd00::9"]


def test_srv_gives_ports_and_own_names_with_addresses_beside():
    message = ask(zone_of(WEB), "_80._tcp.web.mesh.test", "SRV")
    assert data(message) == [
        "_80._tcp.web.mesh.test SRV 0 1 80 1.web.mesh.test.",
        "_80._tcp.web.mesh.test SRV 0 1 80 2.web.mesh.test.",
    ]
    assert data(message, "additional") == [
        "1.web.mesh.test A 10.1.0.1",
        "1.web.mesh.test AAAA fd00::1",
        "2.web.mesh.test A 10.1.0.2",
    ]


def test_a_target_whose_own_name_cannot_be_goes_by_the_name_asked():
    zone = zone_of(
        name("web", target("x" * 64, "10.1.0.1", ports=[80])),
        name("shop.example", target("", "10.1.0.2", ports=[80]), absolute=True),
    )
    assert data(ask(zone, "_80._tcp.web", "SRV"))[0].endswith(" web.mesh.test.")
    assert data(ask(zone, "_80._tcp.shop.example", "SRV"))[0].endswith(" shop.example.")
    assert not ask(zone, "1.0.1.10.in-addr.arpa", "PTR").answer


@pytest.mark.parametrize(("qname", "count"), [("_http._tcp.web", 2), ("_443._tcp.web", 1), ("_https._tcp.web", 1)])
def test_srv_knows_ports_by_number_and_by_name(qname, count):
    assert len(data(ask(zone_of(WEB), qname, "SRV"))) == count


def test_srv_of_what_takes_nothing_says_that_it_is_no_service():
    zone = zone_of(name("worker", target("1.worker", "10.1.0.1")), name("out", target("", external="db.example.org")))
    assert data(ask(zone, "_http._tcp.worker", "SRV")) == ["_http._tcp.worker SRV 0 0 0 ."]
    assert ask(zone, "_http._tcp.worker", "A").rcode().name == "NOERROR"
    assert ask(zone, "_tcp.worker.mesh.test", "A").rcode().name == "NOERROR"
    assert ask(zone, "_nope._tcp.worker", "SRV").rcode().name == "NXDOMAIN"
    assert ask(zone, "_80._tcp.out.mesh.test", "SRV").rcode().name == "NXDOMAIN"
    publish(zone, name("worker", target("1.worker", "10.1.0.1", ports=[80])))
    assert ask(zone, "_81._tcp.worker", "SRV").rcode().name == "NXDOMAIN"


def test_ptr_gives_the_own_name_for_both_families():
    zone = zone_of(WEB)
    assert data(ask(zone, "1.0.1.10.in-addr.arpa", "PTR")) == ["1.0.1.10.in-addr.arpa PTR 1.web.mesh.test."]
    reverse = "1." + "0." * 27 + "0.0.d.f.ip6.arpa"
    assert [line.split()[-1] for line in data(ask(zone, reverse, "PTR"))] == ["1.web.mesh.test."]


@pytest.mark.parametrize(
    ("qname", "qtype", "rcode", "owner"),
    [
        ("web.mesh.test", "TXT", "NOERROR", "mesh.test"),
        ("web.mesh.test", "HTTPS", "NOERROR", "mesh.test"),
        ("nope.mesh.test", "A", "NXDOMAIN", "mesh.test"),
        ("web", "MX", "NOERROR", "web"),
        ("nope", "A", "NXDOMAIN", ""),
        ("9.9.0.10.in-addr.arpa", "PTR", "NXDOMAIN", "10.in-addr.arpa"),
        ("0.1.10.in-addr.arpa", "PTR", "NOERROR", "10.in-addr.arpa"),
        ("x.onion", "A", "NXDOMAIN", "onion"),
        ("localhost", "MX", "NOERROR", "localhost"),
    ],
)
def test_denials_are_authoritative_and_carry_the_soa_of_the_zone(qname, qtype, rcode, owner):
    message = ask(zone_of(WEB), qname, qtype)
    assert (message.rcode().name, len(message.answer)) == (rcode, 0)
    assert message.flags & 0x0400
    assert soa(message).name.to_text(omit_final_dot=True).strip("@.") == owner
    assert soa(message).ttl == soa(message)[0].minimum == 5


def test_a_name_with_nobody_ready_exists_and_may_be_asked_again_in_a_second():
    message = ask(zone_of(name("web", target("1.web", "10.1.0.1", ready=False))), "web.mesh.test")
    assert (message.rcode().name, soa(message).ttl) == ("NOERROR", 1)


@pytest.mark.parametrize("apex", ["mesh.test", "10.in-addr.arpa"])
def test_zones_have_soa_and_ns_and_the_server_an_address(apex):
    zone = zone_of(WEB)
    assert data(ask(zone, apex, "NS")) == [f"{apex} NS ns.{apex}."]
    assert len(data(ask(zone, apex, "SOA"))) == 1
    assert addresses(ask(zone, f"ns.{apex}")) == ["10.9.0.1"]


def test_the_serial_follows_the_table_also_in_denials():
    zone = zone_of(WEB)
    assert soa(ask(zone, "nope.mesh.test"))[0].serial == 1
    publish(zone, WEB)
    assert soa(ask(zone, "nope.mesh.test"))[0].serial == 2
    assert ask(zone, "mesh.test", "SOA").answer[0][0].serial == 2


def test_localhost_is_this_host():
    zone = zone_of()
    assert addresses(ask(zone, "localhost")) == ["127.0.0.1"]
    assert addresses(ask(zone, "x.localhost", "AAAA")) == ["::1"]
    assert data(ask(zone, "1.0.0.127.in-addr.arpa", "PTR")) == ["1.0.0.127.in-addr.arpa PTR localhost."]


def test_any_gets_one_small_record():
    assert data(ask(zone_of(WEB), "web.mesh.test", "ANY")) == ['web.mesh.test HINFO "RFC8482" ""']


def test_versions_take_turns_by_weight_each_with_all_its_replicas():
    old = [target(f"{n}.old", f"10.1.0.{n}", version="v1", share=3) for n in (1, 2)]
    zone = zone_of(name("web", *old, target("new", "10.1.0.9", version="v2", share=1)))
    given = [tuple(sorted(addresses(ask(zone, "web")))) for _ in range(16)]
    assert given.count(("10.1.0.1", "10.1.0.2")) == 12
    assert given.count(("10.1.0.9",)) == 4


def test_a_version_without_weight_is_told_to_nobody_who_asks_for_the_service():
    web = [
        target("1.web", "10.1.0.1", version="v1", ports=[80]),
        target("2.web", "10.1.0.2", version="v2", share=0, ports=[80]),
    ]
    zone = zone_of(name("web", *web), name("2.web", web[1]))
    assert {tuple(addresses(ask(zone, "web"))) for _ in range(4)} == {("10.1.0.1",)}
    assert data(ask(zone, "_80._tcp.web", "SRV")) == ["_80._tcp.web SRV 0 1 80 1.web.mesh.test."]
    assert addresses(ask(zone, "2.web")) == ["10.1.0.2"]


def test_srv_weights_are_those_of_the_versions_shared_out_among_their_replicas():
    old = [target(f"{n}.old", f"10.1.0.{n}", version="v1", share=90, ports=[80]) for n in (1, 2)]
    zone = zone_of(name("web", *old, target("new", "10.1.0.9", version="v2", share=10, ports=[80])))
    weights = {line.split()[-1]: int(line.split()[3]) for line in data(ask(zone, "_80._tcp.web.mesh.test", "SRV"))}
    assert weights == {"1.old.mesh.test.": 9, "2.old.mesh.test.": 9, "new.mesh.test.": 2}


def test_one_record_mode_spreads_over_versions_and_their_replicas():
    old = [target(f"{n}.old", f"10.1.0.{n}", version="v1", share=90) for n in (1, 2)]
    zone = zone_of(name("web", *old, target("new", "10.1.0.9", version="v2", share=10), mode=DnsMode.ONE))
    given = [addresses(ask(zone, "web"))[0] for _ in range(40)]
    assert [given.count(f"10.1.0.{n}") for n in (1, 2, 9)] == [18, 18, 4]


def test_attributes_are_told_as_txt_in_strings_of_at_most_255_octets():
    long = "note=" + "x" * 300
    zone = zone_of(
        name("web", target("a", "10.1.0.1", texts=["team=core", long]), target("b", "10.1.0.2", texts=["team=core"]))
    )
    message = ask(zone, "web", "TXT")
    assert {b"".join(rdata.strings) for rdata in message.answer[0]} == {b"team=core", long.encode()}
    assert not ask(zone_of(WEB), "web", "TXT").answer


def test_each_asker_gets_the_targets_it_shares_a_network_with():
    zone = zone_of(
        name("web", target("1.web", place("a", "10.1.0.1")), target("2.web", place("b", "10.2.0.1"))),
        name("client", target("1.client", place("b", "10.2.0.9"), place("c", "10.3.0.9"))),
        name("loner", target("loner", place("d", "10.4.0.9"))),
    )
    assert addresses(ask(zone, "web", source=packed("10.2.0.9"))) == ["10.2.0.1"]
    assert addresses(ask(zone, "web", source=packed("10.3.0.9"))) == ["10.2.0.1"]
    assert addresses(ask(zone, "web", source=packed("10.1.0.50"))) == ["10.1.0.1"]
    assert sorted(addresses(ask(zone, "web", source=packed("192.0.2.1")))) == ["10.1.0.1", "10.2.0.1"]


def test_to_a_container_that_shares_no_network_with_a_name_it_is_not_there():
    web = name("web", target("1.web", place("a", "10.1.0.1"), ports=[80]))
    zone = zone_of(web, name("loner", target("loner", place("d", "10.4.0.9"))))
    for qname, qtype in (("web.mesh.test", "A"), ("web.mesh.test", "AAAA"), ("_80._tcp.web.mesh.test", "SRV")):
        assert ask(zone, qname, qtype, source=packed("10.4.0.9")).rcode().name == "NXDOMAIN"
        assert ask(zone, qname, qtype, source=packed("10.1.0.1")).rcode().name == "NOERROR"
    lenient = Zone("mesh.test", across_networks=True)
    publish(lenient, web, name("loner", target("loner", place("d", "10.4.0.9"))))
    assert addresses(ask(lenient, "web", source=packed("10.4.0.9"))) == ["10.1.0.1"]
