from __future__ import annotations

import pytest

from tests.support.placement import demand, node, refusals, replica, slots
from tidegate.placement.decision import Filter
from tidegate.placement.demand import Quota
from tidegate.placement.replica import Pending
from tidegate.placement.resources import NOTHING, Resources
from tidegate.placement.saying import amounts, described, reason
from tidegate.placement.scores import Score


@pytest.mark.parametrize("what", list(Filter))
def test_every_filter_has_words(what):
    wanted = demand(
        "shop/web", "constraint:a==b", "affinity:service!=db", "availability:az==3", cpu=1.0, volumes=("d",)
    )
    assert len(reason(what, wanted)) > 8


def test_ports_and_platforms_are_named():
    wanted = demand(ports=("tcp/80", "udp/53"), platforms=("linux/amd64",))
    assert reason(Filter.PORT, wanted) == "have tcp/80 or udp/53 in use"
    assert reason(Filter.PLATFORM, wanted) == "are of another platform than linux/amd64"


def test_reservations_are_said_in_units():
    assert amounts(Resources(cpu=0.5, memory=256 * 2**20), 3) == "0.5 CPU and 256 MiB and 3 replicas"
    assert amounts(Resources(memory=1536 * 2**20)) == "1536 MiB"
    assert amounts(NOTHING) == ""


def test_a_slot_that_is_bound_to_a_node_says_to_which():
    slot = Pending(service="shop/web", slot=1, home="n7")
    assert reason(Filter.VOLUME, demand(), slot) == "are not n7, where it belongs"


def test_without_any_node_that_is_all_there_is_to_say():
    (refusal,) = refusals(slots(1), [], [demand()])
    assert refusal.text == "shop/web 1 waits: there is no node"


def test_who_is_refused_by_another_ones_rule_learns_that():
    shy = demand("shop/shy", "affinity:service!=web")
    (refusal,) = refusals(slots(1), [node("n1")], [shy, demand()], [replica("n1", service="shop/shy")])
    assert "1 are excluded by an affinity of who is there" in refusal.text


def test_a_quota_that_is_used_up_is_named():
    (refusal,) = refusals(
        slots(1),
        [node("n1")],
        [demand(account="a")],
        [replica("n1", 9, account="a")],
        quotas=(Quota(account="a", replicas=1),),
    )
    assert "1 could, but the quota of a is used up" in refusal.text


def test_a_candidate_is_described_by_what_speaks_for_and_against_it():
    score = Score(node="n1", zone="a", failing=True, skew=(2,), here=1, soft=1, wishes=2, fit=0.5, image=True)
    assert described(score) == (
        "n1: 2 in zone a, 1 of this service, 1 of 2 wishes, fit 0.50, has the image, failed here lately"
    )
