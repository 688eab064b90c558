from msgspec.structs import replace

from tests.support.stack_stage import member, stack
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.service import Condition
from tidegate.stacks.stack import Scale

NODES = (NodeFacts(name="a"), NodeFacts(name="b", ready=False))
PLACE = Place(service="shop/web", slot=1, generation=1, revision="r", node="a", since=5.0)


def picture(wanted, places=(), **more):
    return Picture(
        stacks={"shop": wanted}, places={f"shop/web/{n}.1": each for n, each in enumerate(places, 1)}, **more
    )


def test_what_somebody_said_goes_before_what_the_file_says():
    wanted = stack(member(scale=2))
    assert picture(wanted).scene(NODES).wanted["shop/web"].demand.replicas == 2
    scaled = picture(wanted, scales={"shop/web": Scale(desired=5)})
    assert scaled.scene(NODES).wanted["shop/web"].demand.replicas == 5


def test_of_a_stack_that_leaves_nothing_is_wanted_and_who_is_needed_goes_last():
    wanted = replace(stack(member(depends={"db": Condition.STARTED}), member("db", everywhere=True)), leaving=True)
    scene = picture(wanted).scene(NODES)
    assert scene.wanted["shop/db"].after == ("shop/web",)
    assert (scene.wanted["shop/db"].demand.replicas, scene.wanted["shop/db"].demand.everywhere) == (0, False)


def test_what_a_node_says_of_another_life_of_a_place_is_not_taken():
    gone = {"a/shop/web/1.1": Report(placed=5.0, gone=True)}
    assert picture(stack(member()), [PLACE], reports=gone).scene(NODES).gone == {"shop/web/1.1"}
    old = {"a/shop/web/1.1": Report(placed=4.0, gone=True)}
    assert not picture(stack(member()), [PLACE], reports=old).scene(NODES).gone


def test_a_stack_is_over_when_no_place_is_left_and_every_node_that_can_be_asked_said_so():
    wanted = replace(stack(member()), leaving=True, when=9.0)
    said = {"a/shop": Report(placed=9.0, gone=True)}
    assert picture(wanted, reports=said).cleared(wanted, NODES)
    assert not picture(wanted, [PLACE], reports=said).cleared(wanted, NODES)
    assert not picture(wanted).cleared(wanted, NODES)
    assert not picture(wanted, reports={"a/shop": Report(placed=8.0, gone=True)}).cleared(wanted, NODES)
