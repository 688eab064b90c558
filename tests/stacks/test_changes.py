from msgspec.structs import replace

from tests.support.stack_stage import member, stack
from tidegate.engine.spec import ContainerSpec, NetworkSpec, VolumeSpec
from tidegate.placement.replica import Place
from tidegate.stacks.changes import changes, differences
from tidegate.stacks.file import StackNetwork, StackVolume
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Outside, Scale


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
            f"web is replaced, 2 at a time, the new one first: {', '.join(differences(old, new))}",
        )
    ]
    assert differences(old, new) == (
        "image image:1 -> image:2",
        "environment.TOKEN (not set) -> (hidden)",
        "user (not set) -> www",
    )


def test_another_image_under_the_same_name_is_told_by_its_digest():
    old, new = member(digest=f"sha256:{'a' * 64}"), member(digest=f"sha256:{'b' * 64}", config="other")
    assert differences(old, new) == ("image digest aaaaaaaaaaaa -> bbbbbbbbbbbb",)
    assert differences(member(), new) == ("image digest (not set) -> bbbbbbbbbbbb",)


def test_replicas_that_a_local_volume_keeps_on_their_nodes_are_told():
    old = member(scale=2, volumes=("shop_data",))
    new = member(image="image:2", scale=2, volumes=("shop_data",))
    stays = "; replicas stay on their nodes, where shop_data is"
    assert [text.endswith(stays) for _, text in told(stack(new), stack(old))] == [True]
    assert told(stack(replace(old, scale=3)), stack(old)) == [("scale", f"web goes from 2 to 3 replicas{stays}")]


def test_who_shares_with_a_service_that_is_replaced_is_named():
    side = member("side", template=ContainerSpec(name="", image="x", network_mode="service:web"))
    ((what, text),) = told(stack(member(), side), stack(member(image="image:2"), side))
    assert (what, text.endswith("; side shares with it, and follows")) == ("update", True)


def test_networks_and_volumes_that_come_or_are_described_in_another_way_are_told_first():
    front = StackNetwork(spec=NetworkSpec(name="shop_front"))
    closed = StackNetwork(spec=NetworkSpec(name="shop_front", internal=True))
    theirs = StackVolume(spec=VolumeSpec(name="data"), external=True)
    known = stack(member(), networks=(front,))
    mine = StackVolume(spec=VolumeSpec(name="shop_data"))
    assert told(stack(member()), stack(member(), networks=(front,), volumes=(theirs, mine))) == [
        ("settle", "network shop_front is used no more, and goes when the stack is taken down"),
        ("settle", "volume shop_data is used no more, and stays, with all that is in it"),
    ]
    assert told(stack(member(), networks=(front,), volumes=(theirs,)), known) == [
        ("create", "volume data is somebody else's"),
    ]
    assert told(stack(networks=(front,))) == [("create", "network shop_front is made where a replica needs it")]
    assert told(stack(member(), networks=(closed,)), known) == [
        ("settle", "network shop_front is described in another way; where it is there it stays as it is"),
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


def test_services_that_are_somewhere_else_are_told_where():
    here, there = Outside(name="db", host="10.0.0.1"), Outside(name="db", host="db.example.test")
    known = stack(member(), outside=(here,))
    assert told(known, stack(member())) == [("create", "db stands for 10.0.0.1")]
    assert told(stack(member(), outside=(there,)), known) == [
        ("settle", "db is described in another way: db.example.test")
    ]
    assert told(stack(member()), known) == [("remove", "db stands for 10.0.0.1 no more")]
    assert told(known, known) == []
