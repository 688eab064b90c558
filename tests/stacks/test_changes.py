from msgspec.structs import replace

from tests.support.stack_stage import member, stack
from tidegate.placement.replica import Place
from tidegate.stacks.changes import changes
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Scale


def told(after, before=None, **more):
    picture = Picture(stacks={"shop": before} if before else {}, **more)
    return [(each.what, each.text) for each in changes(picture, after)]


def test_what_is_not_there_comes():
    assert told(stack(member(scale=2), member("db", everywhere=True))) == [
        ("create", "web comes, with 2 replicas of image:1"),
        ("create", "db comes, with one replica on each node of image:1"),
    ]


def test_what_is_as_it_is_wanted_is_not_mentioned_and_what_leaves_counts_as_not_there():
    wanted = stack(member())
    assert told(wanted, wanted) == []
    assert told(wanted, replace(wanted, leaving=True)) == [("create", "web comes, with 1 replica of image:1")]


def test_another_container_is_told_by_what_differs_without_its_values():
    old = member(scale=2)
    template = replace(old.template, image="image:2", environment={"TOKEN": "secret"}, user="www")
    new = replace(old, template=template, config="other", parallelism=2)
    assert told(stack(new), stack(old)) == [
        (
            "update",
            "web is replaced, 2 at a time, the new one first: image image:1 -> image:2, environment TOKEN, user",
        )
    ]


def test_a_number_that_somebody_said_holds_until_the_file_says_another():
    said = {"shop/web": Scale(desired=5)}
    assert told(stack(member(scale=2)), stack(member(scale=2)), scales=said) == []
    assert told(stack(member(scale=3)), stack(member(scale=2)), scales=said) == [
        ("scale", "web goes from 5 to 3 replicas"),
    ]


def test_what_changes_no_container_is_told_too():
    found = told(stack(member(parallelism=2)), stack(member()))
    assert found == [("settle", "web is treated in another way; its containers stay")]


def test_what_the_file_has_no_more_goes():
    place = Place(service="shop/db", slot=1, generation=1, revision="r", node="a")
    found = told(stack(member()), stack(member(), member("db")), places={"shop/db/1.1": place})
    assert found == [("remove", "db goes, with 1 replica")]
