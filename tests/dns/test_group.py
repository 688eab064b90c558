from __future__ import annotations

from tidegate.dns.entropy import Entropy
from tidegate.dns.group import Group, Groups
from tidegate.dns.pipe import Pipe
from tidegate.dns.upstream import Upstream
from tidegate.dns.wire import encode
from tidegate.model import Nameserver

NOW = 100.0


def upstream(host, *, rtt=None, failures=0):
    server = Nameserver(host=host)
    made = Upstream(server, Pipe(server, Entropy()), 1.0, Entropy())
    made.standing.asked(NOW)
    if rtt is not None:
        made.standing.answered(rtt)
    for _ in range(failures):
        made.standing.failed(NOW)
    return made


def hosts(found):
    return [each.server.host for each in found]


def test_the_fastest_is_asked_first_and_who_is_down_not_at_all():
    group = Group([upstream("10.0.0.1", rtt=0.2), upstream("10.0.0.2", rtt=0.01), upstream("10.0.0.3", failures=3)])
    assert hosts(group.ranked(NOW)) == ["10.0.0.2", "10.0.0.1"]
    assert group.is_up


def test_where_all_are_down_all_are_asked():
    group = Group([upstream("10.0.0.1", failures=3), upstream("10.0.0.2", failures=3)])
    assert len(group.ranked(NOW)) == 2
    assert not group.is_up


def test_who_loops_is_never_asked():
    for others in ([], [upstream("10.0.0.2")]):
        looping = upstream("10.0.0.1")
        looping.standing.loops()
        assert hosts(Group([looping, *others]).ranked(NOW)) == hosts(others)


def test_one_that_is_down_is_tried_when_its_time_has_come():
    down = upstream("10.0.0.1", failures=3)
    group = Group([down, upstream("10.0.0.2")])
    assert group.on_trial(NOW) is None
    assert group.on_trial(NOW + 1.0) is down
    assert group.on_trial(NOW + 1.0) is None


def test_the_longest_zone_wins_by_label():
    general, corp, lab = (Group([upstream(f"10.0.0.{n}")]) for n in range(3))
    groups = Groups(general, {encode("corp.example"): corp, encode("lab.corp.example"): lab})
    for name, group in (
        ("corp.example", corp),
        ("www.corp.example", corp),
        ("a.b.lab.corp.example", lab),
        ("notcorp.example", general),
        ("example", general),
        (".", general),
    ):
        assert groups.of(encode(name)) is group
    assert len(groups.all()) == 3
