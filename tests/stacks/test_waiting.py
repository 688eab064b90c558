import pytest

from tests.support.stack_stage import member, stack
from tidegate.placement.replica import Place, State
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.service import Condition
from tidegate.stacks.stack import Scale
from tidegate.stacks.waiting import unawaited, waits_for

DB = [Place(service="shop/db", slot=slot, generation=1, revision="r", node="a") for slot in (1, 2)]


def said(condition, *reports, others=("db",)):
    web = member(depends={"db": condition})
    known = {f"{place.node}/{place.key}": report for place, report in zip(DB, reports, strict=False)}
    picture = Picture(places={place.key: place for place in DB}, reports=known)
    return waits_for(stack(web, *(member(name) for name in others)), web, picture)


@pytest.mark.parametrize(
    ("condition", "report", "waits"),
    [
        (Condition.STARTED, Report(), "it waits for db to run"),
        (Condition.STARTED, Report(state=State.STARTING), ""),
        (Condition.STARTED, Report(state=State.ENDED, done=True), ""),
        (Condition.HEALTHY, Report(state=State.STARTING), "it waits for db to be ready"),
        (Condition.HEALTHY, Report(state=State.READY), ""),
        (Condition.COMPLETED, Report(state=State.READY), "it waits for db to end well"),
    ],
)
def test_one_replica_that_is_so_far_is_enough(condition, report, waits):
    assert said(condition, Report(), report) == waits


def test_work_is_done_when_all_replicas_have_done_it():
    done = Report(state=State.ENDED, done=True)
    assert said(Condition.COMPLETED, done)
    assert said(Condition.COMPLETED, done, done) == ""


def test_who_is_not_in_the_stack_is_not_waited_for():
    assert said(Condition.HEALTHY, others=("cache",)) == ""


@pytest.mark.parametrize(
    ("report", "waits"),
    [
        (Report(), "it waits for db to be ready"),
        (Report(state=State.STARTING), "it waits for db to be ready"),
        (Report(state=State.UNHEALTHY), ""),
        (Report(state=State.ENDED), ""),
        (Report(state=State.STARTING, ended=1), ""),
    ],
)
def test_one_that_is_not_required_is_not_waited_for_once_it_fails(report, waits):
    web = member(depends={"db": Condition.HEALTHY}, spared=("db",))
    picture = Picture(places={DB[0].key: DB[0]}, reports={f"a/{DB[0].key}": report})
    assert waits_for(stack(web, member("db")), web, picture) == waits


@pytest.mark.parametrize(
    ("file", "by_hand", "waits"),
    [(0, None, False), (1, 0, False), (0, 1, True), (1, None, True)],
)
def test_one_of_which_no_replica_is_wanted_is_not_waited_for_and_the_plan_says_so(file, by_hand, waits):
    web = member(depends={"db": Condition.HEALTHY})
    put_up = stack(web, member("db", scale=file))
    scales = {} if by_hand is None else {"shop/db": Scale(desired=by_hand)}
    picture = Picture(stacks={"shop": put_up}, scales=scales)
    assert bool(waits_for(put_up, web, picture)) is waits
    assert [each.code for each in unawaited(picture, put_up)] == ([] if waits else ["T2116"])


def test_one_that_the_file_wants_again_is_waited_for():
    web = member(depends={"db": Condition.STARTED})
    picture = Picture(stacks={"shop": stack(web, member("db"))}, scales={"shop/db": Scale(desired=0)})
    assert unawaited(picture, stack(web, member("db", scale=2))) == ()
    everywhere = stack(web, member("db", scale=0, everywhere=True))
    assert waits_for(everywhere, web, Picture(stacks={"shop": everywhere})) == "it waits for db to run"
