import pytest

from tests.support.built import make, shifted
from tests.support.releases import spec
from tests.support.seen import instance, inventory, report
from tidegate.control.loads import Load
from tidegate.control.scaling import (
    asked_for,
    drained,
    idle_copies,
    needs_traffic,
    orphans,
    replicas_of,
    serving,
    unknown,
)
from tidegate.elasticity import Bound, Metric, ScalingPolicy, Target
from tidegate.model import InstanceState, Overrides
from tidegate.release.record import begun

POLICY = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),))


def web(id_, version="v1", **more):
    return instance(id_, routes=["a.test/"], **{"version": version, "scaling": POLICY, "started_at": 5.0} | more)


def looked(*instances, releases=(), overrides=None, stale=False):
    inventories = {"docker": inventory(*instances)}
    if stale:
        inventories["docker"] = type(inventories["docker"])(
            provider="docker", version=1, services=inventories["docker"].services, stale=True
        )
    health = {f"{each.id}:80": report(f"{each.id}:80") for each in instances}
    table = make(*instances, health=health, overrides=overrides or Overrides()).table
    return serving("web", inventories, table, releases, ("docker",)), inventories, table, health


def test_only_services_that_say_so_are_looked_at():
    quiet = instance("c", "other")
    assert asked_for({"docker": inventory(web("a"), quiet)}) == {"web"}


def test_replicas_are_told_apart_by_who_made_them():
    found = looked(web("a"), web("b", made="scaling"), web("c", made="release"), web("d", state=InstanceState.STOPPED))[
        0
    ]
    assert [each.id for each in found.replicas] == ["a", "b", "c"]
    assert [each.id for each in found.own] == ["a"]
    assert [each.id for each in found.made] == ["b", "c"]
    assert (found.policy, found.frozen, found.blind) == (POLICY, "", "")


def test_replicas_of_other_nodes_count_and_only_those_of_stacks_are_ours_to_take_away():
    far = {"node": "b", "provider": "node:b"}
    copy, placed = web("c", made="scaling", **far), web("d", made="place", **far)
    near, other = inventory(web("a"), web("b", made="scaling")), inventory(copy, placed, provider="node:b")
    found = serving("web", {"docker": near, "node:b": other}, make(web("a")).table, (), ("docker",))
    assert [each.id for each in found.replicas] == ["a", "b", "c", "d"]
    assert [each.id for each in found.near] == ["a", "b"]
    assert [each.id for each in found.own] == ["a", "c"]
    assert [each.id for each in found.made] == ["b", "d"]


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        (POLICY, False),
        (ScalingPolicy(least=0, bounds=POLICY.bounds), True),
        (ScalingPolicy(targets=(Target(metric=Metric.CPU, value=50),)), False),
        (ScalingPolicy(targets=(Target(metric=Metric.P95, value=1),)), True),
    ],
)
def test_what_routers_carry_is_asked_for_only_where_it_decides_something(policy, needed):
    assert needs_traffic(policy) is needed


def test_nodes_of_which_something_is_not_known_are_named():
    assert unknown({}, ()) == ""
    assert unknown({"b": "no answer"}, ("c",)) == "b cannot be asked (no answer); c is counted from now on"


def test_the_version_with_the_most_traffic_is_the_one_that_is_scaled():
    both = (web("a"), web("b"), web("c", "v2"))
    assert looked(*both, overrides=shifted(v1=10, v2=90))[0].version == "v2"
    assert looked(*both, overrides=shifted(v1=90, v2=10))[0].version == "v1"


def test_a_version_that_does_not_ask_for_it_is_not_scaled():
    assert looked(web("a", scaling=None))[0] is None
    assert looked(web("a", state=InstanceState.STOPPED))[0] is None


def test_during_a_release_the_old_side_is_looked_at_and_nothing_leaves():
    record = begun(spec(), 3, 1.0, "ann")
    service, (old, new) = record.spec.service, (record.spec.stable.version, record.spec.candidate.version)
    project, _, name = service.rpartition("/")
    more = {"scaling": POLICY, "project": project}
    inventories = {
        "docker": inventory(instance("a", name, version=old, **more), instance("b", name, version=new, **more))
    }
    table = make().table
    found = serving(service, inventories, table, [record], ("docker",))
    assert (found.version, [each.id for each in found.replicas]) == (old, ["a"])
    assert found.held
    assert found.frozen == f"release 3 of {service} is under way"


def test_nothing_is_concluded_while_an_engine_is_out_of_sight():
    assert looked(web("a"), stale=True)[0].blind == "the engine is out of sight"


def test_a_replica_has_what_it_used_and_since_when_it_is_ready():
    found, _, table, health = looked(web("a"), web("b", state=InstanceState.DRAINING))
    used = Load(
        since=1.0,
        until=11.0,
        cpu=0.4,
        cpu_percent=40.0,
        memory_bytes=10,
        memory_percent=1.0,
        received=0.0,
        sent=0.0,
        block_read=0.0,
        block_written=0.0,
    )
    (replica,) = replicas_of(found, table, health, {"a": used})
    assert (replica.id, replica.figures[Metric.CPU], replica.measured_since) == ("a", 40.0, 1.0)
    assert replica.ready_since == health["a:80"].since
    assert replicas_of(found, table, {}, {})[0].ready_since == 0


def test_a_replica_without_a_port_is_ready_while_it_runs():
    found, _, table, health = looked(instance("a", ports=(), scaling=POLICY, started_at=7.0))
    assert replicas_of(found, table, health, {})[0].ready_since == 7.0


def test_a_drained_replica_does_not_count():
    found, _, table, health = looked(web("a"), web("b"), overrides=Overrides(drained=frozenset({"b"})))
    assert drained("web", table) == {"b"}
    assert [each.id for each in replicas_of(found, table, health, {})] == ["a"]


def test_copies_of_a_version_that_gets_no_request_are_idle():
    both = (web("a", "v2"), web("b", made="scaling"))
    found, inventories, table, _ = looked(*both, overrides=shifted(v1=0, v2=100))
    assert [each.id for each in idle_copies(found, inventories, table, [])] == ["b"]
    found, inventories, table, _ = looked(*both, overrides=shifted(v1=40, v2=60))
    assert idle_copies(found, inventories, table, []) == ()


def test_copies_without_an_original_are_orphans():
    copy, stopped = web("b", made="scaling"), web("a", state=InstanceState.STOPPED)
    assert orphans("web", {"docker": inventory(copy)}) == (copy,)
    assert orphans("web", {"docker": inventory(copy, stopped)}) == ()
    assert orphans("web", {"docker": inventory(copy, web("c", made="release"))}) == ()
