import pytest

from tests.support.releases import WEB
from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.control.planning import Ask, Scene, fresh_version, in_words, planned, revision
from tidegate.errors import ConfigError, NoSuchThing
from tidegate.model import InstanceState, Overrides
from tidegate.release.spec import Change, Retire, Strategy
from tidegate.release.strategies import Options

NEW = Change(image="registry.test:5000/web:2.0")


def web(id_, version="v1", service="web", **more):
    return instance(id_, service, project="shop", version=version, image="web:1", routes=["a.test/"], **more)


def scene(*instances, number=4, engines=("docker",)):
    inventories = {"docker": inventory(*instances)}
    return Scene(
        inventories=inventories,
        table=build(None, inventories, {}, Overrides()).table,
        engines=frozenset(engines),
        number=number,
    )


OLDS = (web("b", number=2), web("a", number=1))


def code(ask, scene_):
    with pytest.raises((ConfigError, NoSuchThing)) as refused:
        planned(ask, scene_)
    return refused.value.problems[0].code


def test_an_image_takes_the_place_of_the_only_version_container_by_container():
    spec = planned(Ask(service=WEB, change=NEW), scene(*OLDS))
    assert (spec.stable.version, spec.candidate.version) == ("v1", "2.0")
    assert [(slot.container, slot.node) for slot in spec.slots] == [("a", "docker"), ("b", "docker")]
    assert spec.container_name(2) == "shop-web-2.0-4-2"
    assert (spec.stables, spec.replicas, spec.retire) == (2, 2, Retire.REMOVE)


def test_containers_that_ended_are_not_copied():
    spec = planned(Ask(service=WEB, change=NEW), scene(web("a"), web("b", state=InstanceState.STOPPED)))
    assert spec.stables == 1


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("web:2", "2"),
        ("web:v1", "v1-r4"),
        ("web", "r4"),
        ("web:latest", "r4"),
        ("web@sha256:ab", "r4"),
        ("h:5000/web", "r4"),
    ],
)
def test_a_new_version_is_called_as_its_image_where_nobody_is(image, version):
    assert fresh_version(image, {"v1"}, 4) == version


def test_versions_that_run_already_need_no_image():
    spec = planned(Ask(service=WEB, options=Options(strategy=Strategy.CANARY)), scene(*OLDS, web("c", "v2", weight=0)))
    assert (spec.candidate.version, spec.creates, spec.replicas, spec.retire) == ("v2", False, 1, Retire.KEEP)


def test_two_services_that_share_a_route_may_be_two_sides():
    both = scene(web("a", "", "web-v1"), web("b", "", "web-v2", weight=0))
    spec = planned(Ask(service="shop/web-v1", beside="shop/web-v2", targets=("a.test/",)), both)
    assert (spec.stable_name, spec.candidate_name, spec.targets) == ("shop/web-v1", "shop/web-v2", ("a.test/",))


def test_what_is_not_clear_is_refused():
    assert code(Ask(service="shop/wep", change=NEW), scene(*OLDS)) == "T1611"
    assert code(Ask(service=WEB), scene(*OLDS)) == "T2008"
    assert code(Ask(service=WEB, change=NEW), scene(*OLDS, web("c", "v2"))) == "T2008"
    assert code(Ask(service=WEB, change=NEW), scene(*OLDS, engines=())) == "T2008"
    assert code(Ask(service=WEB, change=NEW, version="v1"), scene(*OLDS)) == "T2008"
    assert code(Ask(service=WEB, change=NEW, stable="v9"), scene(*OLDS)) == "T2008"


def test_a_plan_has_another_revision_when_a_container_came():
    spec, more = (planned(Ask(service=WEB, change=NEW), scene(*each)) for each in (OLDS, (*OLDS, web("c"))))
    assert revision(spec, 4) == revision(planned(Ask(service=WEB, change=NEW), scene(*OLDS)), 4)
    assert len({revision(spec, 4), revision(more, 4), revision(spec, 5)}) == 3


def test_a_plan_says_each_step_in_words():
    spec = planned(Ask(service=WEB, change=NEW, options=Options(strategy=Strategy.BLUE_GREEN)), scene(*OLDS))
    assert in_words(spec) == [
        "blue-green from v1 (2 replicas) to 2.0: shop-web-2.0-4-1 to shop-web-2.0-4-2 from image registry.test:5000/web:2.0",
        "1. 2 of 2.0 ready, share 0 %",
        "2. 2 of 2.0 ready, share 100 %, hold 60 s, wait for a person",
        "then the containers of v1 are removed after 300 s",
    ]
