import pytest

from tests.support.stack_stage import member, stack
from tidegate.control.stackbook import StackBook
from tidegate.errors import NoSuchThing
from tidegate.placement.replica import Place
from tidegate.stacks.report import Report
from tidegate.stacks.stack import Scale
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path):
    opened = await SqliteStore.open(tmp_path / "store.sqlite")
    yield opened
    await opened.close()


async def test_everything_the_store_says_of_stacks_is_one_picture(store):
    book = StackBook(store)
    told = []
    book.changed.append(lambda: told.append(1))
    assert not book.known
    await book.load()
    assert book.known
    place = Place(service="shop/web", slot=1, generation=1, revision="r", node="a", since=5.0)
    await book.stacks.commit({"shop": stack(member())})
    await book.scales.commit({"shop/web": Scale(desired=2)})
    await book.places.commit({"shop/web/1.1": place})
    await book.reports.commit({"a/shop/web/1.1": Report(placed=5.0, why="it starts")})
    again = StackBook(store)
    await again.load()
    assert again.picture == book.picture
    assert again.picture.report(place).why == "it starts"
    assert again.picture.desired(again.stack("shop"), member()) == 2
    assert len(told) == 9


async def test_the_store_has_one_name(store):
    assert await StackBook(store).owner() == await StackBook(store).owner()


async def test_a_stack_that_there_is_not_and_one_that_is_not_understood_are_told(store):
    book = StackBook(store)
    await store.txn((), (Put(key="stacks/odd", value=b"[]"),))
    await book.load()
    assert [each.code for each in book.problems] == ["T2101"]
    with pytest.raises(NoSuchThing) as caught:
        book.stack("shop")
    assert caught.value.problems[0].code == "T2102"
