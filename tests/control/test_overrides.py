import json

import pytest

from tests.support.plane import until
from tidegate.control.journal import Journal
from tidegate.control.overrides import OverrideBook, store_key
from tidegate.errors import Conflict, StoreError
from tidegate.model import Overrides, TrafficMode
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Delete, Put
from tidegate.store.sqlite import SqliteStore
from tidegate.tasks import Tasks


@pytest.fixture
async def store(tmp_path):
    store = await SqliteStore.open(tmp_path / "store.db")
    yield store
    await store.close()


def book(store):
    offered = []
    made = OverrideBook(store, Journal(lambda: 1.0), offered.append, lambda: 99.0)
    made.offered = offered
    return made


async def test_nothing_set_is_offered_as_nothing(store):
    made = book(store)
    await made.load()
    assert made.offered == [Overrides()]


async def test_every_kind_becomes_part_of_the_overrides(store):
    made = book(store)
    await made.load()
    await made.put("weights", "shop/web", {"v1": 1}, who="uid 0", why="x")
    await made.put("mode", "*.a.test/", {"mode": "maintenance", "message": "soon"}, who="", why="")
    await made.put("drain", "ünode", True, who="", why="")
    expected = Overrides(
        weights={"shop/web": {"v1": 1}},
        modes={"*.a.test/": TrafficMode.MAINTENANCE},
        messages={"*.a.test/": "soon"},
        drained=frozenset({"ünode"}),
    )
    assert made.offered[-1] == expected
    again = book(store)
    await again.load()
    assert again.offered == [expected]
    assert again.setting("weights", "shop/web").when == 99.0
    assert again.setting("weights", "shop/web").who == "uid 0"


async def test_what_one_node_sets_is_in_force_on_all_that_share_its_store(etcd_member):
    address = etcd_member.address()
    here, there = await EtcdStore.open(address), await EtcdStore.open(address)
    ours, theirs = book(here), book(there)
    async with Tasks("test") as tasks:
        running = tasks.spawn("book", theirs.run())
        await until(lambda: theirs.offered)
        await ours.load()
        await ours.put("weights", "shop/web", {"v1": 1}, who="uid 0", why="x")
        await until(lambda: theirs.offered[-1] == Overrides(weights={"shop/web": {"v1": 1}}))
        await ours.delete("weights", "shop/web", who="uid 0", why="")
        await until(lambda: theirs.offered[-1] == Overrides())
        running.cancel()
    for each in (here, there):
        await each.close()


async def test_a_key_is_ascii(store):
    assert store_key("weights", "shop/wéb") == "overrides/weights/shop/w%C3%A9b"


async def test_a_change_is_in_the_store_before_it_takes_effect(store):
    made = book(store)
    await made.load()
    seen = []

    async def txn(compares, operations):
        seen.append(len(made.offered))
        return await SqliteStore.txn(store, compares, operations)

    store.txn = txn
    await made.put("drain", "c1", True, who="", why="")
    assert seen == [1]
    assert len(made.offered) == 2


async def test_a_change_that_cannot_be_committed_has_no_effect(store):
    made = book(store)
    await made.load()
    await store.close()
    with pytest.raises(StoreError):
        await made.put("drain", "c1", True, who="", why="")
    assert made.offered == [Overrides()]


async def test_of_two_who_read_the_same_the_second_is_refused(store):
    one, two = book(store), book(store)
    await one.load()
    await two.load()
    await one.put("weights", "web", {"v1": 1}, who="", why="")
    with pytest.raises(Conflict, match="T1610"):
        await two.put("weights", "web", {"v1": 2}, who="", why="")
    with pytest.raises(Conflict):
        await one.put("weights", "web", {"v1": 2}, who="", why="", expected=0)
    with pytest.raises(Conflict):
        await one.delete("weights", "web", who="", why="", expected=12345)


async def test_another_writer_is_followed(store):
    made = book(store)
    async with Tasks("test") as tasks:
        task = tasks.spawn("overrides", made.run())
        await until(lambda: made.offered)
        payload = json.dumps({"value": {"v1": 3}}).encode()
        await store.txn((), (Put(key="overrides/weights/web", value=payload),))
        await until(lambda: made.offered[-1].weights == {"web": {"v1": 3}})
        await store.txn((), (Delete(key="overrides/weights/web"),))
        await until(lambda: made.offered[-1] == Overrides())
        task.cancel()


async def test_our_own_change_does_not_come_twice(store):
    made = book(store)
    async with Tasks("test") as tasks:
        task = tasks.spawn("overrides", made.run())
        await until(lambda: made.offered)
        await made.put("drain", "c1", True, who="", why="")
        await made.delete("drain", "c1", who="", why="")
        await store.txn((), (Put(key="overrides/drain/c2", value=b'{"value": true}'),))
        await until(lambda: made.offered[-1].drained == {"c2"})
        assert len(made.offered) == 4
        task.cancel()


async def test_taking_away_what_is_not_there_is_no_change(store):
    made = book(store)
    await made.load()
    assert await made.delete("mode", "web", who="", why="") is False
    assert len(made.offered) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("overrides/weights/web", b"{"),
        ("overrides/weights/web", b'{"value": {"v1": "much"}}'),
        ("overrides/weights/web", b'{"value": 7}'),
        ("overrides/mode/web", b'{"value": {"mode": "wild"}}'),
        ("overrides/other/web", b'{"value": 1}'),
        ("overrides/drain/web", b"[]"),
    ],
)
async def test_an_entry_that_is_not_understood_harms_no_other(store, key, value, caplog):
    await store.txn((), (Put(key=key, value=value), Put(key="overrides/drain/c1", value=b'{"value": true}')))
    made = book(store)
    await made.load()
    _, kind, target = key.split("/")
    closed = {target: f"override {kind}/{target}"} if kind not in {"weights", "drain"} else {}
    assert made.offered == [Overrides(drained=frozenset({"c1"}), closed=closed)]
    assert "not understood" in caplog.text
    assert [problem.code for problem in made.problems] == ["T1313"]


async def test_what_is_not_understood_stays_in_the_store_until_it_is_taken_away(store):
    await store.txn((), (Put(key="overrides/settings/web", value=b"{"),))
    made = book(store)
    await made.load()
    with pytest.raises(Conflict, match="T1313"):
        await made.put("settings", "web", {"retry.tries": "1"}, who="", why="")
    (entry,) = (await store.list("overrides/")).entries
    assert entry.value == b"{"
    assert await made.delete("settings", "web", who="", why="")
    assert (made.offered[-1], made.problems) == (Overrides(), ())
    await made.put("settings", "web", {"retry.tries": "1"}, who="", why="")
    assert made.offered[-1].settings == {"web": {"retry.tries": "1"}}


async def test_what_comes_and_goes_unread_closes_and_opens(store):
    made = book(store)
    async with Tasks("test") as tasks:
        task = tasks.spawn("overrides", made.run())
        await until(lambda: made.offered)
        body = json.dumps({"value": {"filter.basic_auth.mode": "x"}}).encode()
        await store.txn((), (Put(key="overrides/settings/web", value=body),))
        await until(lambda: made.offered[-1].closed == {"web": "override settings/web"})
        await store.txn((), (Delete(key="overrides/settings/web"),))
        await until(lambda: made.offered[-1] == Overrides())
        task.cancel()


async def test_a_setting_of_another_version_harms_no_other_of_its_override(store, caplog):
    body = json.dumps({"value": {"retry.tries": "1", "no.such": "1"}, "who": "", "when": 0, "why": ""}).encode()
    await store.txn((), (Put(key="overrides/settings/web", value=body),))
    made = book(store)
    await made.load()
    assert made.offered[-1].settings["web"]["retry.tries"] == "1"
    assert "no.such" in caplog.text
    assert [problem.severity.value for problem in made.problems] == ["warning"]
