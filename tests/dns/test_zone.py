from __future__ import annotations

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dns import (
    LOCAL,
    STRANGER,
    addresses,
    ask,
    ask_wire,
    data,
    name,
    place,
    publish,
    table,
    target,
    zone_of,
)
from tidegate.dns import wire
from tidegate.dns.access import Access
from tidegate.dns.cookie import Jar
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.routing import Delta, RoutingTable

WEB = name("web", target("1.web", "10.1.0.1", ports=[80]))
QUERY = dns.message.make_query("web.mesh.test", "A", use_edns=0, id=0x1234).to_wire()


def rcode(zone, qname, qtype="A"):
    return ask(zone, qname, qtype).rcode().name


def test_relative_names_are_answered_bare_and_below_the_zone_and_absolute_ones_as_they_are():
    zone = zone_of(WEB, name("shop.example", target("t", "10.1.0.2"), absolute=True))
    assert addresses(ask(zone, "web")) == addresses(ask(zone, "web.mesh.test")) == ["10.1.0.1"]
    assert addresses(ask(zone, "shop.example")) == ["10.1.0.2"]
    assert rcode(zone, "shop.example.mesh.test") == "NXDOMAIN"


def test_names_of_others_are_nobody_s_business_here():
    zone = zone_of(WEB)
    assert ask(zone, "example.org") is None
    assert ask(zone, "x.web.example") is None


def test_before_the_first_table_our_names_fail_and_do_not_vanish():
    zone = Zone("mesh.test")
    for qname in ("web.mesh.test", "web", "1.0.0.10.in-addr.arpa"):
        message = ask(zone, qname, use_edns=0)
        assert message.rcode().name == "SERVFAIL"
        assert [option.code for option in message.options] == [14]
    assert ask(zone, "example.org") is None
    publish(zone, WEB)
    assert addresses(ask(zone, "web")) == ["10.1.0.1"]


def test_the_question_is_repeated_in_the_case_it_was_asked_in():
    zone = zone_of(WEB)
    mixed = QUERY.replace(b"web", b"WeB")
    asker = zone.asker(STRANGER, LOCAL)
    for _ in range(2):
        assert ask_wire(zone, mixed).answer[0].name.to_text() == "WeB.mesh.test."
    assert mixed[12:31] in zone.answer(mixed, asker)


def test_the_second_query_takes_the_short_cut_and_says_the_same():
    zone = zone_of(WEB)
    asker = zone.asker(STRANGER, LOCAL)
    assert zone.answer(QUERY, asker) is None
    long_way = zone.resolve(wire.parse(QUERY), asker)
    assert zone.answer(QUERY, asker) == long_way


@pytest.mark.parametrize("flags", [b"\x01\x00", b"\x00\x00", b"\x07\xff", b"\x01\x10", b"\x01\x40"])
@pytest.mark.parametrize(
    "opt", [b"", bytes.fromhex("00002904d0000080000000"), bytes.fromhex("000029000000000040000400640000")]
)
@pytest.mark.parametrize("qtype", [1, 28, 65])
def test_both_ways_give_the_same_bytes(flags, opt, qtype):
    zone = zone_of(WEB)
    asker = zone.asker(STRANGER, LOCAL)
    query = QUERY[:2] + flags + QUERY[4:10] + bytes((0, bool(opt))) + QUERY[12:27] + bytes((0, qtype, 0, 1)) + opt
    long_way = zone.resolve(wire.parse(query), asker)
    assert zone.answer(query, asker) == long_way


def test_answers_too_long_for_the_asker_are_cut_and_by_tcp_complete():
    zone = zone_of(name("many", *(target(f"{n}.many", f"10.1.0.{n}") for n in range(1, 101))))
    small = ask(zone, "many")
    large = ask(zone, "many", use_edns=0, payload=4096)
    assert small.flags & 0x0200
    assert 20 <= len(addresses(small)) < len(addresses(large)) < 100
    assert len(addresses(ask(zone, "many", stream=True))) == 100


def test_a_change_reaches_exactly_the_names_it_concerns():
    other = name("other", target("1.other", "10.1.0.9"))
    zone = zone_of(WEB, other)
    before = {qname: ask(zone, qname) for qname in ("web", "other", "new.mesh.test", "_81._tcp.web", "*.x.mesh.test")}
    assert before["new.mesh.test"].rcode().name == before["_81._tcp.web"].rcode().name == "NXDOMAIN"
    publish(zone, name("web", target("1.web", "10.1.0.5", ports=[81])), other, name("new", target("n", "10.1.0.6")))
    assert addresses(ask(zone, "web")) == addresses(ask(zone, "web.mesh.test")) == ["10.1.0.5"]
    assert addresses(ask(zone, "new.mesh.test")) == ["10.1.0.6"]
    assert len(data(ask(zone, "_81._tcp.web", "SRV"))) == 1
    assert rcode(zone, "1.0.1.10.in-addr.arpa", "PTR") == "NXDOMAIN"
    assert rcode(zone, "5.0.1.10.in-addr.arpa", "PTR") == "NOERROR"


def test_a_target_that_stops_being_ready_leaves_at_once():
    zone = zone_of(name("web", target("a", "10.1.0.1"), target("b", "10.1.0.2")))
    ask(zone, "web")
    publish(zone, name("web", target("a", "10.1.0.1", ready=False), target("b", "10.1.0.2")))
    assert addresses(ask(zone, "web")) == ["10.1.0.2"]


def test_an_address_given_to_another_container_is_seen_from_that_one_s_networks_at_once():
    web = name("web", target("1.web", place("a", "10.1.0.1")), target("2.web", place("b", "10.2.0.1")))
    first = name("first", target("first", place("a", "10.1.0.9")))
    second = name("second", target("second", place("a", "10.1.0.9"), place("b", "10.2.0.9")))
    zone = Zone("mesh.test")
    publish(zone, web, first)
    assert addresses(ask(zone, "web", source=packed("10.1.0.9"))) == ["10.1.0.1"]
    publish(zone, web, second)
    assert sorted(addresses(ask(zone, "web", source=packed("10.1.0.9")))) == ["10.1.0.1", "10.2.0.1"]
    assert addresses(ask(zone, "second", source=packed("10.1.0.1"))) == ["10.1.0.9"]
    publish(zone, web, first)
    assert addresses(ask(zone, "web", source=packed("10.1.0.9"))) == ["10.1.0.1"]


def test_a_delta_that_continues_changes_only_what_it_names():
    zone = Zone("mesh.test")
    first = table(WEB, version=4)
    zone.apply(first, Delta(base=0, version=4, names=dict(first.names)))
    new = name("new", target("n", "10.1.0.6"))
    zone.apply(table(WEB, new, version=5), Delta(base=4, version=5, names={"new": new}))
    zone.apply(table(new, version=6), Delta(base=5, version=6, names={"web": None}))
    assert rcode(zone, "web") == "NXDOMAIN"
    assert addresses(ask(zone, "new")) == ["10.1.0.6"]


def test_a_name_that_cannot_be_is_told_and_the_others_stay():
    zone = zone_of(WEB, name("x" * 64, target("t", "10.1.0.7")))
    assert [problem.code for problem in zone.problems] == ["T1801"]
    assert addresses(ask(zone, "web")) == ["10.1.0.1"]
    publish(zone, WEB)
    assert not zone.problems


def test_answers_are_tallied_by_kind_and_code():
    zone = zone_of(WEB)
    for qname in ("web", "web", "nope"):
        ask(zone, qname, stream=True)
    counts = {(tally.kind, tally.rcode): tally.count for tally in zone.tallies.all()}
    assert counts == {("A", wire.NOERROR): 2, ("A", wire.NXDOMAIN): 1}


# ---------------------------------------------------------------------------------------------------- against a model

LABEL = st.sampled_from(["a", "b", "c", "*", "web"])
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
ENTRY = st.builds(
    lambda text, octet, absolute: name(text, target("t", place("lan", f"10.0.0.{octet}")), absolute=absolute),
    NAME, st.integers(1, 250), st.booleans(),
)  # fmt: skip


def model(entries, question):
    """What an A question gets, told naively: the address, "empty", "absent" or "foreign"."""
    held = {}
    for entry in sorted(entries, key=lambda entry: (entry.absolute, entry.name)):
        for text in [entry.name] if entry.absolute else [entry.name, f"{entry.name}.mesh.test"]:
            held[text] = entry.targets[0].addresses[0].ipv4
    exists = {*held, "mesh.test"}
    held.pop("*", None)
    exists.discard("*")
    for text in list(held):
        labels = text.split(".")
        exists.update(".".join(labels[n:]) for n in range(len(labels)) if text.endswith(".mesh.test"))
    exists -= {"test"}
    if question in exists:
        return held.get(question, "empty")
    if question == "ns.mesh.test":
        return "10.9.0.1"
    above = question
    while above:
        above = above.partition(".")[2]
        if above and f"*.{above}" in held:
            return held[f"*.{above}"]
        if above in exists:
            break
    return "absent" if question.endswith(".mesh.test") or "." not in question else "foreign"


def observed(zone, question):
    message = ask(zone, question)
    if message is None:
        return "foreign"
    if message.rcode():
        return "absent"
    return addresses(message)[0] if message.answer else "empty"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(ENTRY, max_size=6, unique_by=lambda entry: (entry.name, entry.absolute)), min_size=1, max_size=4),
    st.lists(st.one_of(NAME, NAME.map("{}.mesh.test".format)), min_size=1, max_size=8),
)
def test_the_zone_says_what_a_naive_model_says_after_every_table(tables, questions):
    zone = Zone("mesh.test")
    for entries in tables:
        publish(zone, *entries)
        for question in questions:
            assert observed(zone, question) == model(entries, question), question


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=5), st.integers(0, 44))
def test_no_mutated_query_raises_or_answers_an_answer(changes, cut):
    zone = zone_of(WEB)
    ask_wire(zone, QUERY)
    mutated = bytearray(QUERY)
    for position, value in changes:
        mutated[position] = value
    packet = bytes(mutated[: len(mutated) - cut])
    asker = zone.asker(STRANGER, LOCAL)
    short = zone.answer(packet, asker)
    query = wire.parse(packet)
    if query is None:
        assert short is None
    elif short is not None:
        assert not query.rcode
        assert short[:2] == packet[:2]
        assert dns.message.from_wire(short).flags & 0x8000
    elif not query.rcode:
        zone.resolve(query, asker)


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("printer.home.arpa", True),
        ("home.arpa", True),
        ("1.0.0.10.in-addr.arpa", True),
        ("10.in-addr.arpa", True),
        ("5.1.168.192.in-addr.arpa", True),
        ("5.2.168.192.in-addr.arpa", False),
        ("x.local", False),
        ("lan", False),
        ("nope.mesh.test", False),
        ("x.localhost", False),
    ],
)
def test_what_the_operator_delegates_is_foreign_where_we_would_deny_it(text, is_foreign):
    zones = ("home.arpa", "10.in-addr.arpa", "1.168.192.in-addr.arpa", "lan", "mesh.test", "localhost")
    zone = Zone("mesh.test", delegated=frozenset(map(wire.encode, zones)))
    publish(zone, WEB)
    query = wire.parse(dns.message.make_query(text, "A").to_wire())
    assert (zone.resolve(query, zone.asker(packed("10.1.0.9"), LOCAL)) is None) is is_foreign


def test_an_address_of_the_table_stays_ours_in_a_delegated_zone():
    zone = Zone("mesh.test", delegated=frozenset([wire.encode("10.in-addr.arpa")]))
    publish(zone, name("web", target("1.web", "10.1.0.1")))
    query = wire.parse(dns.message.make_query("1.0.1.10.in-addr.arpa", "PTR").to_wire())
    assert zone.resolve(query, zone.asker(packed("10.1.0.9"), LOCAL)) is not None


def test_the_shape_changes_when_a_name_comes_or_goes_and_not_when_a_target_changes():
    zone = Zone("mesh.test")
    heavier = name("web", target("1.web", "10.1.0.1", ports=[80], weight=7))
    shapes = [zone.shape]
    for names in ([WEB], [heavier], [heavier, name("api", target("1.api", "10.1.0.8"))], [heavier]):
        publish(zone, *names)
        shapes.append(zone.shape)
    assert shapes[0] != shapes[1] == shapes[2] != shapes[3] != shapes[4]


COOKIE = b"\0\0\x29\x04\xd0\0\0%c\0\0\x0c\0\x0a\0\x08abcdefgh"


def cookie_query(qname, *, do=0):
    head = dns.message.make_query(qname, "A", use_edns=False, id=0x1234).to_wire()
    return head[:11] + b"\1" + head[12:] + COOKIE % (do,)


@pytest.mark.parametrize("qname", ["web", "nope", "many"])
@pytest.mark.parametrize("do", [0, 0x80])
def test_both_ways_bring_the_asker_s_cookie(qname, do):
    many = name("many", *(target(f"{n}.many", f"10.1.1.{n}") for n in range(1, 101)))
    zone = Zone("mesh.test", jar=Jar(bytes(16), 1_800_000_000))
    publish(zone, WEB, many)
    asker = zone.asker(STRANGER, LOCAL)
    query = wire.parse(cookie_query(qname, do=do))
    query.options = zone.jar.option(query.cookie, STRANGER)
    slow = zone.resolve(query, asker)
    fast = zone.answer(cookie_query(qname, do=do), asker)
    assert fast in (slow, None)
    assert (fast is None) is (qname == "many")  # what must be cut goes the long way
    assert slow.endswith(zone.jar.record(b"abcdefgh", STRANGER, do=bool(do)))
    assert dns.message.from_wire(slow).options[0].to_wire()[8:] == slow[-16:]


def test_a_malformed_cookie_is_not_for_the_short_cut():
    zone = Zone("mesh.test", jar=Jar(bytes(16), 1_800_000_000))
    publish(zone, WEB)
    ask(zone, "web")
    odd = cookie_query("web").replace(b"\0\x0c\0\x0a\0\x08abcdefgh", b"\0\x0b\0\x0a\0\x07abcdefg")
    assert zone.answer(odd, zone.asker(STRANGER, LOCAL)) is None


def test_without_a_jar_a_cookie_is_ignored():
    zone = zone_of(WEB)
    ask(zone, "web")
    assert zone.answer(cookie_query("web"), zone.asker(STRANGER, LOCAL)).endswith(wire.option_record(do=False))


@pytest.mark.parametrize(
    ("source", "stream", "recursion", "limited"),
    [(packed("172.17.0.9"), False, True, False), (STRANGER, False, False, True), (STRANGER, True, False, False)],
)
def test_strangers_get_no_foreign_names_and_are_limited_by_udp(source, stream, recursion, limited):
    asker = zone_of(WEB).asker(source, LOCAL, stream)
    assert (asker.recursion, asker.limited) == (recursion, limited)


def test_who_is_trusted_can_be_told():
    zone = Zone("mesh.test", access=Access(("198.51.100.0/24",)))
    assert zone.asker(STRANGER, LOCAL).recursion
    assert not zone.asker(packed("172.17.0.9"), LOCAL).recursion


def test_who_is_trusted_follows_the_subnets_that_the_table_tells():
    zone = zone_of(WEB)
    lan, container = packed("192.168.1.20"), packed("172.18.0.9")
    assert zone.asker(lan, LOCAL).recursion
    moves = zone.moves
    table = RoutingTable(version=zone.version + 1, names={"web": WEB}, subnets=("172.18.0.0/16",))
    zone.apply(table, Delta(base=zone.version, version=zone.version + 1, subnets=table.subnets))
    assert zone.asker(container, LOCAL).recursion
    assert not zone.asker(lan, LOCAL).recursion
    assert zone.asker(lan, lan).recursion
    assert zone.moves > moves
    zone.stand_at(frozenset([lan]))
    assert zone.asker(lan, LOCAL).recursion
