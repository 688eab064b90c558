import pytest

from tests.support.stack_stage import member, stack
from tidegate.engine.port import ContainerDetail
from tidegate.engine.spec import ContainerSpec
from tidegate.model import InstanceState
from tidegate.placement.replica import Place
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.sharing import SHARES_LABEL, Lent, lending, lent, lent_to, outdated

SIDE = member("side", template=ContainerSpec(name="", image="x", network_mode="service:db"))
SHOP = stack(member("db"), SIDE)


def place(slot=1, generation=1, node="a", **more):
    return Place(service="shop/db", slot=slot, generation=generation, revision="r", node=node, **more)


def container(id_, started_at=0.0, **labels):
    return ContainerDetail(
        id=id_, name=id_, image="x", state=InstanceState.RUNNING, labels=labels, started_at=started_at
    )


def seen(*places, ready=(), unmade=()):
    """What the node `a` has, where containers are called as their places."""
    reports = {f"{each.node}/{each.key}": Report(ready_since=1.0) for each in ready}
    picture = Picture(places={each.key: each for each in places}, reports=reports)
    found = {each.key: container(each.key) for each in places if each.node == "a" and each not in unmade}
    return lent(picture, SHOP, SIDE, "a", found)


OLD, NEW, SECOND = place(), place(generation=2), place(slot=2)


@pytest.mark.parametrize(
    ("places", "ready", "lender"),
    [
        ((OLD,), (), OLD),
        ((SECOND, OLD), (SECOND,), OLD),  # of the first slot, ready or not: who shares does not go to and fro
        ((OLD, NEW), (OLD,), OLD),
        ((OLD, NEW), (OLD, NEW), NEW),
        ((OLD, NEW), (), NEW),
        ((place(leaving=True), SECOND), (), SECOND),
        ((place(node="b"), SECOND), (), SECOND),
    ],
)
def test_the_lender_is_of_the_first_slot_here_and_the_newer_one_once_that_is_ready(places, ready, lender):
    assert seen(*places, ready=ready).containers == {"db": lender.key}


def test_where_there_is_no_lender_that_is_said():
    waits = "it waits for db, with which it shares, to be on this node"
    assert seen() == Lent(missing=waits)
    assert seen(OLD, unmade=(OLD,)) == Lent(missing=waits)
    assert seen(place(node="b"), place(generation=2, leaving=True)) == Lent(missing=waits, elsewhere=True)


def test_a_container_says_with_which_ones_it_shares():
    told = lent_to(SIDE.template, {"db": "c1"})
    assert (told.network_mode, told.labels) == ("container:c1", {SHARES_LABEL: "db=c1"})
    assert lent_to(SIDE.template, {}) == SIDE.template


@pytest.mark.parametrize(
    ("lender", "why"),
    [
        (container("c1", 5.0), ""),
        (container("c1", 11.0), "who it shares with was started anew"),
        (container("c2", 5.0), "who it shares with is another container now"),
    ],
)
def test_what_it_shared_is_no_more_when_the_lender_is_another_one_or_was_started_anew(lender, why):
    mine = container("c9", 10.0, **{SHARES_LABEL: "db=c1"})
    assert outdated(mine, Lent(lenders={"db": lender})) == why
    assert outdated(container("c9", **{SHARES_LABEL: f"db={lender.id}"}), Lent(lenders={"db": lender})) == ""


def test_what_has_no_lender_to_go_to_stays_unless_that_is_on_another_node():
    mine = container("c9", 10.0, **{SHARES_LABEL: "db=c1"})
    assert outdated(mine, Lent(missing="it waits")) == ""
    assert outdated(mine, Lent(missing="it waits", elsewhere=True)) == "who it shares with is on another node"
    assert outdated(container("c9", 10.0), Lent()) == ""


def test_who_lends_is_known():
    assert lending(SHOP) == {"shop/db"}
    assert lending(stack(member())) == frozenset()
