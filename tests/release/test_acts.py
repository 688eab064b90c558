from __future__ import annotations

from msgspec.structs import replace

from tests.support.releases import container, ended, news, olds, release, seen
from tidegate.model import InstanceState
from tidegate.release.acts import Create, Remove, Start, Stop, acts
from tidegate.release.record import Cause, Fate, Pause, State, Wish


def wishing(wish, *ids, **given):
    return replace(release(**given), fates={id_: Fate(wish=wish, since=1000.0) for id_ in ids})


def test_nothing_is_made_before_the_record_says_so():
    assert acts(release(), seen()) == ()


def test_every_replica_that_is_missing_is_made_from_the_container_of_its_slot():
    wanted = replace(release(), candidates=3)

    assert acts(wanted, seen(candidate=(container("new2", 2),))) == (
        Create(name="web-v2-1", number=1, source="old1"),
        Create(name="web-v2-3", number=3, source="old3"),
    )


def test_what_was_made_is_started_and_what_runs_is_left_alone():
    wanted = replace(release(), candidates=2)
    there = (container("new1", 1, state=InstanceState.CREATED), container("new2", 2))

    assert acts(wanted, seen(candidate=there)) == (Start(container="new1", name="new1"),)


def test_a_candidate_that_ended_is_not_started_again():
    wanted = replace(release(), candidates=1)

    assert acts(wanted, seen(candidate=(ended(container("new1", 1), 3),))) == ()


def test_containers_of_somebody_else_are_not_made():
    assert acts(replace(release(slots=()), candidates=3), seen()) == ()


def test_a_draining_container_is_left_alone_until_it_may_stop():
    assert acts(wishing(Wish.DRAIN, "old1"), seen()) == ()
    assert acts(wishing(Wish.STOP, "old1", stop_seconds=5.0), seen()) == (
        Stop(container="old1", name="old1", seconds=5.0),
    )


def test_what_has_stopped_is_not_stopped_again():
    stopped = tuple(ended(each) for each in olds())

    assert acts(wishing(Wish.STOP, "old1"), seen(stable=stopped)) == ()


def test_what_is_to_be_removed_is_stopped_first():
    assert acts(wishing(Wish.REMOVE, "new1"), seen(candidate=news())) == (Stop(container="new1", name="new1"),)
    assert acts(wishing(Wish.REMOVE, "new1"), seen(candidate=(ended(news()[0]),))) == (
        Remove(container="new1", name="new1"),
    )


def test_what_shall_return_is_started():
    assert acts(wishing(Wish.RETURN, "old1"), seen(stable=(ended(olds()[0]),))) == (
        Start(container="old1", name="old1"),
    )
    assert acts(wishing(Wish.RETURN, "old1"), seen()) == ()


def test_no_more_of_the_new_side_return_than_its_record_wants():
    stopped = tuple(ended(each) for each in news())
    back = replace(wishing(Wish.RETURN, "new1", "new2", "new3", slots=()), candidates=2)

    assert [each.container for each in acts(back, seen(candidate=stopped))] == ["new1", "new2"]
    assert acts(replace(back, candidates=0), seen(candidate=stopped)) == ()
    one_runs = (news()[0], *stopped[1:])
    assert [each.container for each in acts(back, seen(candidate=one_runs))] == ["new2"]


def test_what_was_made_and_is_to_go_is_not_started():
    made = container("new1", 1, state=InstanceState.CREATED)
    unwanted = replace(wishing(Wish.REMOVE, "new1"), candidates=1)

    assert acts(unwanted, seen(candidate=(made,))) == (Remove(container="new1", name="new1"),)


def test_a_wish_for_what_is_gone_needs_nothing():
    assert acts(wishing(Wish.REMOVE, "old9"), seen()) == ()


def test_a_paused_release_makes_nothing_new():
    halted = replace(release(), candidates=3, paused=Pause(cause=Cause.OPERATOR, text="lunch", since=1.0))

    assert acts(halted, seen()) == ()


def test_nothing_is_done_while_not_everything_is_in_sight_or_after_the_end():
    wanted = replace(release(), candidates=3)

    assert acts(wanted, seen(whole=False)) == ()
    assert acts(replace(wanted, closed=True), seen()) == ()
    assert acts(replace(wanted, state=State.FAILED), seen()) == ()
