"""The leader's loop over several nodes. One node, with its agent and its engine, is in test_stacks."""

from collections import Counter

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.placing_stage import Stage, db, web
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Carried, Place
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


@pytest.fixture
async def stage():
    made = Stage(MemoryStore())
    await made.lead()
    return made


async def test_replicas_are_spread_and_renewed_slot_by_slot(stage):
    await stage.want(web())
    await stage.settle()
    assert sorted(node for node, _ in stage.places().values()) == ["n1", "n2", "n3"]
    await stage.want(web("image:2"), number=2)
    await stage.settle()
    assert set(stage.places()) == {"shop/web/1.2", "shop/web/2.2", "shop/web/3.2"}
    assert "shop/web/1.1 leaves" in " ".join(stage.told())


async def test_a_version_that_does_not_get_ready_stops_the_change_and_that_is_told(stage):
    await stage.want(web())
    await stage.settle()
    stage.broken.add("config-of-image:2")
    await stage.want(web("image:2"), number=2)
    await stage.pass_time(600)
    assert Counter(each.revision for each in stage.book.places.entries.values()) == {
        "config-of-image:1": 3,
        "config-of-image:2": 1,
    }
    assert stage.placing.refusals == {
        "shop/web": "shop/web is renewed no further, 2 slots keep the revision before: the new one does not get ready in 1"
    }
    assert sum("renewed no further" in each for each in stage.told()) == 1


async def test_what_no_node_takes_is_told_once_and_again_when_it_comes_again(stage):
    nowhere = web(scale=1, expressions=("constraint:group==db",))
    await stage.want(nowhere)
    await stage.pass_time(300)
    assert "constraint" in stage.placing.refusals["shop/web"]
    assert sum("waits" in each for each in stage.told()) == 1
    await stage.want(web(scale=1), number=2)
    await stage.settle()
    assert not stage.placing.refusals
    await stage.want(web(scale=2, expressions=("constraint:group==db",)), number=3)
    await stage.pass_time(4)
    assert sum("waits" in each for each in stage.told()) == 2


async def test_who_is_on_a_lost_node_is_placed_elsewhere_but_not_by_a_leader_that_began_just_now(stage):
    await stage.want(web())
    await stage.settle()
    stage.down("n3")
    await stage.lead()
    await stage.pass_time(28)
    assert "n3" in {node for node, _ in stage.places().values()}
    await stage.settle()
    assert {node for node, _ in stage.places().values()} == {"n1", "n2"}
    assert stage.book.remembering.memory.standings["n3"].down_since


async def test_a_leader_that_saw_who_came_and_went_before_it_led_waits_for_nothing(stage):
    await stage.want(web())
    await stage.settle()
    stage.down("n3")
    await stage.lead(sighted=31.0)
    await stage.pass_time(2)
    assert {"n1", "n2"} == {node for node, leaves in stage.places().values() if node != "n3"}
    assert stage.book.remembering.memory.standings["n3"].down_since


async def test_what_the_common_rate_holds_back_moves_when_that_allows_it_whatever_happens_meanwhile(stage):
    stage.down("n2"), stage.down("n3")
    await stage.lead(sighted=31.0)
    await stage.want(web(scale=6))
    await stage.settle()
    stage.up("n2"), stage.up("n3")
    stage.down("n1")
    struck = stage.now
    assert await stage.placing.turn() == struck + 10.0
    stage.now += 4.0  # something else is new
    assert await stage.placing.turn() == struck + 10.0
    assert sum(node != "n1" for node, _ in stage.places().values()) == 2
    stage.now = struck + 10.0
    await stage.placing.turn()
    assert sum(node != "n1" for node, _ in stage.places().values()) == 4


async def test_what_must_not_run_twice_stays_where_a_node_has_come_back_before_that_was_seen(stage):
    await stage.want(db(exclusive=True))
    await stage.settle()
    ((node, _),) = stage.places().values()
    stage.down(node)
    await stage.pass_time(4)
    await stage.store.txn((), (Put(key=f"nodes/{node}/live", value=b"{}"),))
    await stage.pass_time(60)
    assert stage.places() == {"shop/db/1.1": (node, False)}, "decided again and again, and never written"
    stage.up(node)
    await stage.settle()
    assert stage.places() == {"shop/db/1.1": (node, False)}


async def test_a_new_leader_remembers_what_the_old_one_did(stage):
    await stage.want(web())
    await stage.settle()
    for _ in range(3):
        stage.down("n3")
        await stage.pass_time(40)
        stage.up("n3")
        await stage.pass_time(10)
    before = stage.book.remembering.memory
    assert before.standings["n3"].quarantines == 1
    await stage.lead()
    await stage.pass_time(2)
    assert stage.book.remembering.memory.standings == before.standings


async def test_what_a_leader_writes_that_is_none_any_more_is_refused(stage):
    old = stage.placing
    await stage.lead()
    await stage.want(web())
    await old.turn()
    assert not (await stage.store.list("places/")).entries
    await stage.settle()


async def test_a_stack_that_is_taken_down_goes_though_a_node_is_lost(stage):
    await stage.want(web(), db())
    await stage.settle()
    stage.down("n2")
    await stage.pass_time(2)
    await stage.want(web(), db(), number=2, leaving=True, when=5.0)
    await stage.pass_time(60)
    assert not stage.places()


async def test_places_of_another_name_of_a_host_that_is_alone_are_made_anew(stage):
    stage.placing._alone = True
    stage.nodes = {"n1": NodeFacts(name="n1")}
    stage.placing.begin()
    old = Place(service="shop/db", slot=1, generation=4, revision="config-of-image:1", node="before")
    await stage.book.places.commit({old.key: old})
    await stage.want(db(volumes=("data",)))
    await stage.settle()
    assert stage.places() == {"shop/db/1.1": ("n1", False)}


async def test_of_fewer_replicas_those_stay_that_carry_something(stage):
    await stage.want(web(scale=4))
    await stage.settle()
    assert not stage.asked, "nobody is asked where nobody is to go"
    ((doubled, _),) = Counter(node for node, _ in stage.places().values()).most_common(1)
    pair = sorted(key for key, (node, _) in stage.places().items() if node == doubled)
    stage.carries = {pair[0]: Carried(in_flight=9), pair[1]: Carried(in_flight=1, long_lived=1)}
    await stage.scale("shop/web", 3)
    await stage.settle()
    assert stage.asked == [["shop/web/1.1", "shop/web/2.1", "shop/web/3.1", "shop/web/4.1"]]
    assert pair[1] in stage.places() and pair[0] not in stage.places(), "zones are made even first"
    stage.carries |= {key: Carried(in_flight=5) for key in stage.places() if key != pair[1]}
    idle = next(key for key in sorted(stage.places()) if key != pair[1])
    stage.carries[idle] = Carried(in_flight=4)
    await stage.scale("shop/web", 2)
    await stage.settle()
    assert idle not in stage.places()


async def test_of_whom_nothing_is_known_the_highest_slot_goes_as_before(stage):
    await stage.want(web())
    await stage.settle()
    await stage.scale("shop/web", 2)
    await stage.settle()
    assert set(stage.places()) == {"shop/web/1.1", "shop/web/2.1"}
    assert len(stage.asked) == 1


async def test_what_changes_while_routers_are_asked_counts(stage):
    await stage.want(web())
    await stage.settle()
    await stage.scale("shop/web", 1)

    async def carrying(_containers):
        await stage.scale("shop/web", 3)
        return {}

    stage.placing._carrying = carrying
    await stage.placing.turn()
    assert len(stage.places()) == 3 and not any(leaves for _, leaves in stage.places().values())


# -------------------------------------------------------------------------------------------- a leader that may die


async def whole(store, last=None):
    """Up, a change, a lost node that comes back, a scaling: what is placed in the end."""
    stage = Stage(store, last=last)
    await stage.lead()
    await stage.want(web(), db())
    await stage.settle()
    await stage.want(web("image:2"), db("image:2"), number=2)
    await stage.settle()
    stage.down("n3")
    await stage.pass_time(60)
    stage.up("n3")
    await stage.scale("shop/web", 2)
    await stage.settle()
    places = stage.book.places.entries.values()
    assert all(count <= 2 for count in stage.most.values()), stage.most
    assert stage.most["shop/db/1"] == 1
    return Counter((each.service, each.revision) for each in places), stage


@pytest.fixture(params=["sqlite", "etcd"])
def opening(request, tmp_path):
    """Opens stores of which each one is empty."""
    if request.param == "etcd":
        member = request.getfixturevalue("etcd_member")
        return lambda: EtcdStore.open(member.address())
    names = iter(range(1000))
    return lambda: SqliteStore.open(tmp_path / f"{next(names)}.sqlite")


async def test_a_leader_that_dies_after_any_write_is_followed_by_one_that_comes_to_the_same(opening):
    async def played(last=None):
        store = await opening()
        try:
            return await whole(store, last)
        finally:
            await store.close()

    end, first = await played()
    assert first.lives == 1 and first.store.writes > 15
    for last in range(1, first.store.writes + 1):
        found, stage = await played(last)
        assert (found, stage.lives) == (end, 2), f"died after write {last}"
