from msgspec.structs import replace

from tests.support.stack_stage import member, stack
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Carried, Place, State
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
    assert [each.replicas for each in picture(wanted).scene(NODES).demands] == [2]
    scaled = picture(wanted, scales={"shop/web": Scale(desired=5)})
    assert [each.replicas for each in scaled.scene(NODES).demands] == [5]


def test_a_place_is_exclusive_as_its_service_is_now():
    for exclusive in (False, True):
        assert picture(stack(member(exclusive=exclusive))).exclusive("shop/web/1.1") is exclusive
    assert not picture(stack(member("db", exclusive=True))).exclusive("shop/web/1.1")


def test_how_a_member_is_renewed_is_part_of_what_it_wants():
    slow = member(stop_first=True, parallelism=2, min_healthy_seconds=3.0, delay_seconds=30.0, failure_ratio=0.5)
    (demand,) = picture(stack(slow)).scene(NODES).demands
    assert (demand.revision, demand.stop_first, demand.max_parallel) == ("config-of-image:1", True, 2)
    assert (demand.min_healthy, demand.delay, demand.failure_ratio) == (3.0, 30.0, 0.5)


def test_of_a_stack_that_leaves_nothing_is_wanted_and_who_is_needed_goes_last():
    wanted = replace(stack(member(depends={"db": Condition.STARTED}), member("db", everywhere=True)), leaving=True)
    scene = picture(wanted).scene(NODES)
    assert scene.after == {"shop/web": (), "shop/db": ("shop/web",)}
    assert scene.demands == ()


def test_surplus_are_the_containers_of_services_that_shrink_and_do_not_go_as_a_whole():
    places = [replace(PLACE, slot=slot, leaving=slot == 4) for slot in (1, 2, 3, 4)]
    reports = {f"a/shop/web/{slot}.1": Report(placed=5.0, container=f"c{slot}") for slot in (1, 2, 4)}

    def surplus(scale, held=(), **more):
        return picture(stack(member(scale=scale, **more)), places, reports=reports).surplus(held)

    assert surplus(2) == {"c1", "c2"}
    assert surplus(3) == surplus(4) == surplus(0) == frozenset()
    assert surplus(2, held=("shop/web",)) == surplus(2, everywhere=True) == frozenset()
    (first, *_) = (
        picture(stack(member()), places, reports=reports).scene(NODES, (), {"c1": Carried(in_flight=2)}).replicas
    )
    assert first.carried == Carried(in_flight=2)


def test_what_a_node_says_of_another_life_of_a_place_is_not_taken():
    left = replace(PLACE, leaving=True)

    def gone(place, **report):
        (replica,) = (
            picture(stack(member()), [place], reports={"a/shop/web/1.1": Report(**report)}).scene(NODES).replicas
        )
        return replica.gone

    assert gone(left, placed=5.0, gone=True)
    assert not gone(left, placed=4.0, gone=True)
    assert gone(PLACE, placed=5.0, void=True)
    assert not gone(left, placed=5.0, void=True)


def test_one_that_ended_well_counts_as_ready_since_then():
    report = Report(placed=5.0, state=State.ENDED, since=7.0, done=True)
    (replica,) = picture(stack(member()), [PLACE], reports={"a/shop/web/1.1": report}).scene(NODES).replicas
    assert (replica.done, replica.ready, replica.ready_since) == (True, True, 7.0)


def test_a_stack_is_over_when_no_place_is_left_and_every_node_that_can_be_asked_said_so():
    wanted = replace(stack(member()), leaving=True, when=9.0)
    said = {"a/shop": Report(placed=9.0, gone=True)}
    assert picture(wanted, reports=said).cleared(wanted, NODES)
    assert not picture(wanted, [PLACE], reports=said).cleared(wanted, NODES)
    assert not picture(wanted).cleared(wanted, NODES)
    assert not picture(wanted, reports={"a/shop": Report(placed=8.0, gone=True)}).cleared(wanted, NODES)
