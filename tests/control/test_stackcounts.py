import pytest
from msgspec.structs import replace

from tests.support.release_stage import CountingStore
from tidegate.control.stackbook import StackBook
from tidegate.control.stackcounts import StackCounts
from tidegate.engine.spec import ContainerSpec
from tidegate.errors import Conflict
from tidegate.placement.replica import Place
from tidegate.stacks.stack import Member, Scale, Stack


def member(name, **more):
    return Member(name=name, template=ContainerSpec(name="", image="web:1", labels={"a": "b"}), config="c", **more)


@pytest.fixture
async def book(tmp_path):
    store = CountingStore(tmp_path / "store.db")
    made = StackBook(store)
    await made.load()
    members = (member("web", scale=3), member("agent", everywhere=True))
    await made.stacks.commit(
        {"shop": Stack(name="shop", members=members), "old": Stack(name="old", members=members, leaving=True)}
    )
    yield made
    store.database.close()


async def test_the_file_says_how_many_until_somebody_else_does(book):
    counts = StackCounts(book)
    assert counts.wanted("shop/web") == 3
    await counts.want("shop/web", 3, 5, "it is busy", 7.0)
    assert counts.wanted("shop/web") == 5
    scale = book.scales.entries["shop/web"]
    assert (scale.desired, scale.who, scale.why, scale.when) == (5, "tidegate", "it is busy", 7.0)


async def test_a_number_that_somebody_says_after_it_was_looked_at_is_not_written_over(book):
    await book.scales.commit({"shop/web": Scale(desired=9, who="uid 0")})
    with pytest.raises(Conflict, match="9 of its replicas are wanted now"):
        await StackCounts(book).want("shop/web", 3, 5, "it is busy", 7.0)
    assert book.scales.entries["shop/web"].desired == 9


@pytest.mark.parametrize("service", ["shop/agent", "shop/nobody", "old/web", "web", "other/web"])
async def test_of_nothing_else_a_number_is_wanted(book, service):
    assert StackCounts(book).wanted(service) is None


async def test_while_replicas_are_yet_to_be_renewed_that_is_told(book):
    old = Place(service="shop/web", slot=1, generation=1, revision="before", node="a")
    new = Place(service="shop/web", slot=2, generation=2, revision="c", node="b")
    other = Place(service="shop/webs", slot=1, generation=1, revision="before", node="a")
    counts = StackCounts(book)
    await book.places.commit({each.key: each for each in (old, new, other)})
    assert counts.moving("shop/web") == "1 of its replicas is yet to be renewed"
    await book.places.commit({old.key: replace(old, leaving=True)})
    assert counts.moving("shop/web") == ""
    assert counts.moving("shop/nobody") == ""


async def test_what_a_replica_is_made_of_is_known_while_there_is_none(book):
    assert {service: spec.image for service, spec in StackCounts(book).templates().items()} == {"shop/web": "web:1"}
