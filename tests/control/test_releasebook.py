import pytest
from msgspec.structs import replace

from tests.support.releases import WEB, release, spec
from tidegate.control.overrides import store_key
from tidegate.control.releasebook import ReleaseBook, key_of, record_key
from tidegate.errors import Conflict, NoSuchThing
from tidegate.release.record import State, moved
from tidegate.release.spec import Side
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore

FIRST = release(1)


@pytest.fixture
async def store(tmp_path):
    store = await SqliteStore.open(tmp_path / "store.db")
    yield store
    await store.close()


async def opened(store):
    book = ReleaseBook(store, lambda: None)
    await book.load()
    return book


def complete(one, now=1001.0, **more):
    return moved(one, now, "complete", state=State.COMPLETE, **more)


async def test_a_release_that_began_is_there_after_a_restart(store):
    await (await opened(store)).begin(FIRST, 1000.0)
    again = await opened(store)
    assert again.records == (FIRST,)
    assert again.last(WEB) == FIRST
    assert again.next_number(WEB) == 2


async def test_a_second_release_is_refused_with_the_name_of_the_first(store):
    book = await opened(store)
    await book.begin(FIRST, 1000.0)
    with pytest.raises(Conflict) as refused:
        await book.begin(release(2), 1001.0)
    assert refused.value.problems[0].code == "T2001"
    assert "release 1 of shop/web" in refused.value.problems[0].text


async def test_of_two_who_begin_at_the_same_time_one_is_refused(store):
    one, other = await opened(store), await opened(store)
    await one.begin(FIRST, 1000.0)
    with pytest.raises(Conflict):
        await other.begin(release(1), 1000.0)
    assert other.records == (FIRST,)


async def test_weights_that_an_operator_set_for_the_service_end_with_the_beginning(store):
    key = store_key("weights", WEB)
    await store.txn((), (Put(key=key, value=b"{}"),))
    await (await opened(store)).begin(FIRST, 1000.0)
    assert await store.get(key) is None


async def test_after_its_end_another_may_begin_and_takes_over_what_the_first_governs(store):
    book = await opened(store)
    begun = await book.begin(FIRST, 1000.0)
    await book.commit(begun, complete(begun))
    second = release(2, stable=Side(service=WEB, version="v2"), candidate=Side(service=WEB, version="v3"))
    await book.begin(second, 1002.0)
    assert book.records[0].history[-1].what == "overtaken"
    assert [each.number for each in (await opened(store)).of(WEB)] == [1, 2]


async def test_what_changed_meanwhile_is_not_written_over(store):
    book, other = await opened(store), await opened(store)
    begun = await book.begin(FIRST, 1000.0)
    await other.load()
    await other.commit(begun, moved(begun, 1001.0, "paused"))
    with pytest.raises(Conflict) as refused:
        await book.commit(begun, moved(begun, 1001.0, "something else"))
    assert refused.value.problems[0].code == "T1610"
    assert book.get(key_of(begun)).history[-1].what == "paused"


async def test_of_closed_releases_the_last_twenty_are_remembered(store):
    book = await opened(store)
    for number in range(1, 23):
        begun = await book.begin(release(number), 1000.0)
        await book.commit(begun, complete(begun, closed=True))
    assert [each.number for each in book.records] == list(range(3, 23))
    assert len((await opened(store)).records) == 20


async def test_what_another_version_wrote_is_a_problem_and_left_alone(store):
    await store.txn((), (Put(key=record_key((WEB, 1)), value=b"{}"),))
    book = await opened(store)
    assert book.records == ()
    assert [each.code for each in book.problems] == ["T2006"]
    with pytest.raises(Conflict) as refused:
        await book.begin(release(2), 1000.0)
    assert refused.value.problems[0].code == "T2006"


async def test_a_release_between_two_services_is_one_of_both(store):
    sides = {"stable": Side(service="web-v1"), "candidate": Side(service="web-v2")}
    both = replace(FIRST, spec=spec(service="web-v1", targets=("a.test/",), **sides))
    book = await opened(store)
    await book.begin(both, 1000.0)
    assert book.last("web-v2") == both
    with pytest.raises(NoSuchThing):
        book.last("web-v3")
