from tests.support.built import NONE, OPTIONS, make
from tests.support.seen import instance
from tidegate.building import build
from tidegate.errors import Problem
from tidegate.model import (
    InstanceState,
)


def test_a_route_outlives_its_last_instance_for_a_while():
    first = make(instance("c1", routes=["a.test/"]))
    gone = make(previous=first, now=10.0)
    assert gone.table.routes is first.table.routes
    assert gone.table.services["web"].endpoints == ()
    assert gone.wake_at == 40.0
    after = build(gone, gone.memo.inventories, {}, NONE, OPTIONS, now=40.0)
    assert not after.table.routes
    assert not after.table.services
    assert not after.table.names


def test_a_restart_within_the_while_changes_no_route():
    first = make(instance("c1", routes=["a.test/"]))
    stopped = make(instance("c1", routes=["a.test/"], state=InstanceState.STOPPED), previous=first, now=10.0)
    again = make(instance("c1", routes=["a.test/"]), previous=stopped, now=12.0)
    assert again.table.routes is first.table.routes
    assert again.wake_at is None


def test_a_new_container_with_a_bad_label_gets_the_last_good_route_for_as_long_as_it_lives():
    first = make(instance("c1", routes=["a.test/"]))
    wrong = Problem(code="T1203", text="bad label")
    second = make(instance("c2", problems=(wrong,)), previous=first, now=10.0)
    third = make(instance("c2", problems=(wrong,)), previous=second, now=1000.0)
    assert third.table.routes is first.table.routes
    fixed = make(instance("c3", routes=["b.test/"]), previous=third, now=1001.0)
    assert set(fixed.table.routes) == {"b.test/"}
