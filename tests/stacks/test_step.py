import pytest
from msgspec.structs import replace

from tests.support.stack_stage import member
from tidegate.engine.port import ContainerDetail
from tidegate.engine.spec import ContainerSpec
from tidegate.model import EngineHealth, InstanceState
from tidegate.placement.replica import Place, State
from tidegate.stacks.report import Report
from tidegate.stacks.sharing import Lent
from tidegate.stacks.step import Deed, Look, back_off, failed, step

NOW = 1000.0
PLACE = Place(service="shop/web", slot=1, generation=1, revision="config-of-image:1", node="a", since=500.0)


def container(state=InstanceState.RUNNING, **more):
    return ContainerDetail(id="c1", name="shop-web-1", image="image:1", state=state, **{"labels": {}, **more})


def ended(code, **more):
    return container(InstanceState.STOPPED, exit_code=code, **more)


def restarting(policy):
    return member(template=ContainerSpec(name="web", image="image:1", restart=policy))


def stepped(look, before=None, *, place=PLACE):
    found = step(place, look, before, NOW)
    return found.deed, found.report


def test_where_there_is_nothing_the_container_is_made():
    assert stepped(Look(member=member()))[0] is Deed.MAKE


def test_one_that_was_made_of_something_else_cannot_be_made_again():
    deed, report = stepped(Look(member=member(image="image:2")))
    assert (deed, report.void) == (None, True)
    assert stepped(Look())[1].void


def test_a_container_of_another_revision_that_had_its_name_in_an_earlier_life_goes_first():
    labels = {"io.tidegate.config": "config-of-image:0"}
    deed, report = stepped(Look(member=member(), container=container(labels=labels), ready=True))
    assert (deed, report.state, report.ready_since) == (Deed.STOP, State.PENDING, 0.0)
    assert stepped(Look(member=member(), container=ended(0, labels=labels)))[0] is Deed.REMOVE
    own = {"io.tidegate.config": PLACE.revision}
    assert stepped(Look(member=member(), container=container(labels=own), ready=True))[1].state is State.READY


def test_one_that_was_made_is_started_when_it_waits_for_nobody():
    assert stepped(Look(member=member(), container=container(InstanceState.CREATED)))[0] is Deed.START
    deed, report = stepped(
        Look(member=member(), container=container(InstanceState.CREATED), waits_for="it waits for db")
    )
    assert (deed, report.why) == (None, "it waits for db")


@pytest.mark.parametrize(
    ("health", "ready", "state"),
    [
        (EngineHealth.NONE, True, State.READY),
        (EngineHealth.HEALTHY, True, State.READY),
        (EngineHealth.NONE, False, State.STARTING),
        (EngineHealth.STARTING, True, State.STARTING),
        (EngineHealth.UNHEALTHY, True, State.UNHEALTHY),
    ],
)
def test_one_that_runs_is_ready_when_its_endpoints_and_the_engines_check_say_so(health, ready, state):
    deed, report = stepped(Look(member=member(), container=container(engine_health=health), ready=ready))
    assert (deed, report.state) == (None, state)
    assert report.ready_since == (NOW if state is State.READY else 0.0)


def test_since_when_it_is_ready_is_kept_and_lost_when_it_is_not():
    ready = Report(placed=500.0, state=State.READY, ready_since=700.0, since=700.0, container="c1")
    look = Look(member=member(), container=container(), ready=True)
    assert stepped(look, ready)[1] == ready
    report = stepped(Look(member=member(), container=container()), ready)[1]
    assert (report.state, report.ready_since, report.since) == (State.UNHEALTHY, 0.0, NOW)


def test_while_nobody_can_say_who_is_ready_what_was_said_stays():
    ready = Report(placed=500.0, state=State.READY, ready_since=700.0, since=700.0, container="c1")
    assert stepped(Look(member=member(), container=container(), ready=None), ready)[1] == ready


def test_one_that_failed_is_started_again_after_a_while_that_grows():
    first = stepped(Look(member=member(), container=ended(1)), Report(state=State.READY, ready_since=5.0))[1]
    assert (first.state, first.ended, first.again_at) == (State.ENDED, 1, NOW + 1)
    again = Report(state=State.ENDED, ended=1, again_at=NOW)
    deed, report = stepped(Look(member=member(), container=ended(1)), again)
    assert deed is Deed.START
    more = stepped(Look(member=member(), container=ended(1)), report)[1]
    assert (more.ended, more.again_at) == (2, NOW + 2)
    assert [back_off(count) for count in (1, 2, 3, 4, 5, 40)] == [1.0, 2.0, 30.0, 60.0, 120.0, 3600.0]


def test_how_often_it_ended_is_forgotten_when_it_ran_longer_than_it_had_to_wait():
    crashed = Report(state=State.STARTING, ended=3, again_at=900.0)
    short = Look(member=member(), container=container(started_at=NOW - 20), ready=True)
    assert stepped(short, crashed)[1].ended == 3
    long = Look(member=member(), container=container(started_at=NOW - 31), ready=True)
    assert stepped(long, crashed)[1].ended == 0


def test_one_that_ended_well_has_done_its_work_unless_it_is_always_to_run():
    assert stepped(Look(member=member(), container=ended(0)))[1].done
    assert not stepped(Look(member=restarting("always"), container=ended(0)))[1].done
    assert not stepped(Look(member=member(), container=ended(0, oom_killed=True)))[1].done


def test_one_that_is_not_to_be_restarted_stays_as_it_ended():
    deed, report = stepped(Look(member=restarting("no"), container=ended(3)), Report(state=State.ENDED, again_at=1.0))
    assert (deed, report.state, report.done) == (None, State.ENDED, False)


def test_what_the_engine_starts_again_is_left_to_it():
    deed, report = stepped(Look(member=restarting("always"), container=ended(1, restarting=True)))
    assert (deed, report.again_at) == (None, 0.0)
    assert "the engine starts it again" in report.why


def leaving(since):
    return Place(
        **{name: getattr(PLACE, name) for name in PLACE.__struct_fields__} | {"leaving": True, "leaving_since": since}
    )


def test_one_that_leaves_is_stopped_when_idle_or_when_its_time_is_over_then_removed_then_gone():
    busy, idle = Look(member=member(), container=container()), Look(member=member(), container=container(), idle=True)
    assert stepped(busy, place=leaving(NOW - 1))[0] is None
    assert stepped(idle, place=leaving(NOW - 1))[0] is Deed.STOP
    assert stepped(busy, place=leaving(NOW - 6))[0] is Deed.STOP
    assert stepped(Look(member=member(), container=ended(0)), place=leaving(NOW))[0] is Deed.REMOVE
    assert stepped(Look(), place=leaving(NOW))[1].gone


def test_a_deed_that_failed_is_tried_again_later_each_time():
    told = failed(Report(ended=2), "no such image", NOW)
    assert (told.why, told.again_at) == ("no such image", NOW + 30)
    assert stepped(Look(member=member()), told)[0] is None
    assert step(PLACE, Look(member=member()), told, NOW + 30).deed is Deed.MAKE


def test_what_the_checks_say_is_told_with_it():
    look = Look(member=member(), container=container(), why="port 80, connection refused")
    assert stepped(look)[1].why == "it is not ready yet: port 80, connection refused"


STALE = "who it shares with is another container now"


def test_one_that_shares_waits_for_its_lender_before_it_is_made_and_has_no_place_where_that_is_not():
    deed, report = stepped(Look(member=member(), lent=Lent(missing="it waits for db")))
    assert (deed, report.why, report.void) == (None, "it waits for db", False)
    deed, report = stepped(Look(member=member(), lent=Lent(missing="it waits for db", elsewhere=True)))
    assert (deed, report.void) == (None, True)
    found = step(PLACE, Look(member=member(), lent=Lent(lenders={"db": container()})), None, NOW)
    assert (found.deed, found.lenders) == (Deed.MAKE, {"db": "c1"})


def test_one_that_shares_with_nobody_any_more_is_drained_and_made_anew():
    look = Look(member=member(drain_seconds=5.0), container=container(), ready=True, outdated=STALE)
    was = Report(state=State.READY, since=NOW - 60, ready_since=NOW - 60)
    deed, report = stepped(look, was)
    assert (deed, report.ends, report.since, report.why) == (None, True, NOW, f"it is made anew: {STALE}")
    assert stepped(replace(look, idle=True), report)[0] is Deed.STOP
    assert stepped(look, replace(report, since=NOW - 5.0))[0] is Deed.STOP
    assert stepped(replace(look, ready=False), was)[0] is Deed.STOP, "nobody waits for its answers"
    assert stepped(replace(look, container=ended(0)), report)[0] is Deed.REMOVE
    assert stepped(replace(look, container=ended(1)), was)[0] is Deed.REMOVE
    assert stepped(replace(look, container=ended(0)), was)[1].done, "work that is done is not done again"
    assert not stepped(Look(member=member(), container=container(), ready=True), report)[1].ends
