import pytest

from tests.support.compose import compose
from tidegate.engine.port import EngineInfo, Network, Volume
from tidegate.engine.spec import NetworkSpec, VolumeSpec
from tidegate.stacks.file import StackNetwork, StackVolume
from tidegate.stacks.ground import ground, mounted

ALONE = EngineInfo(name="one", version="1", api="1.41")
MANAGER = EngineInfo(name="one", version="1", api="1.41", swarm=True, swarm_manager=True)
WORKER = EngineInfo(name="one", version="1", api="1.41", swarm=True)


def network(name, *, external=False, **more):
    return StackNetwork(spec=NetworkSpec(name=name, **more), external=external)


def volume(name, *, external=False, **more):
    return StackVolume(spec=VolumeSpec(name=name, **more), external=external)


def seen(networks=(), volumes=()):
    return tuple(Network(id=name, name=name) for name in networks), tuple(Volume(name=name) for name in volumes)


def test_what_is_not_there_is_made_and_what_is_there_is_taken():
    found = ground([network("a"), network("b")], [volume("x", driver="d"), volume("y")], seen(["b"], ["y"]), ALONE)
    assert (found.networks, found.volumes) == ((NetworkSpec(name="a"),), (VolumeSpec(name="x", driver="d"),))
    assert found.problems == ()


def test_what_somebody_else_makes_must_be_there():
    wanted = (
        [network("a", external=True), network("b", external=True)],
        [volume("x", external=True), volume("y", external=True)],
    )
    found = ground(*wanted, seen(["b"], ["y"]), ALONE)
    assert (found.networks, found.volumes) == ((), ())
    assert [problem.code for problem in found.problems] == ["T1182", "T1182"]


@pytest.mark.parametrize(
    ("info", "driver", "codes"), [(ALONE, "bridge", ["T1183"]), (MANAGER, "overlay", []), (WORKER, None, [])]
)
def test_an_overlay_is_made_where_the_engine_may_make_it(info, driver, codes):
    wanted = network("a", driver="overlay", attachable=True, options={"encrypted": "", "x": "y"})
    found = ground([wanted], [], seen(), info)
    assert [spec.driver for spec in found.networks] == ([driver] if driver else [])
    assert [problem.code for problem in found.problems] == codes
    if driver == "bridge":
        assert (found.networks[0].attachable, found.networks[0].options) == (False, {"x": "y"})


def test_an_external_network_that_a_worker_of_a_swarm_does_not_show_yet_is_no_problem():
    assert ground([network("a", external=True)], [], seen(), WORKER).problems == ()


def test_a_service_needs_its_own_only():
    file = compose("""
        services:
          a: {image: x, networks: [one], volumes: ["v:/v", "/tmp:/t"]}
          b: {image: x, networks: [two], volumes: ["w:/w"]}
        networks: {one: {}, two: {}}
        volumes: {v: {}, w: {}}
        """)
    networks, volumes = mounted(file.service("a").template, file.networks, file.volumes)
    assert [each.name for each in networks] == ["shop_one"]
    assert [each.name for each in volumes] == ["shop_v"]
