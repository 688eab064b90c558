from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.release_world import World
from tests.support.releases import V1, V2, WEB, ended, news, olds, release, seen, spec
from tidegate.errors import Conflict
from tidegate.model import Overrides
from tidegate.release.image import Pin
from tidegate.release.overlay import overlay
from tidegate.release.record import Fate, State, Wish, begun
from tidegate.release.spec import Change, Origin, Retire, Side, Step, Strategy
from tidegate.release.succession import KEPT, admitted, overtaken, prunable, reversal, touches
from tidegate.release.verbs import By, promote

ANN = By(who="ann", when=2000.0, why="it is slow")
V3 = Side(service=WEB, version="v3", image="web:3")
DONE = replace(release(), state=State.COMPLETE, weights={"v1": 0, "v2": 100})


# ------------------------------------------------------------------------------------------------- one at a time


def test_a_second_release_is_refused_with_the_name_of_the_first():
    with pytest.raises(Conflict, match="T2001") as raised:
        admitted([release(number=4)], spec(candidate=V3))
    assert raised.value.problems[0].text == "release 4 of shop/web, from v1 to v2, has not ended"
    assert raised.value.problems[0].cause == "it is pending, asked for by ann"


def test_after_the_first_has_ended_the_second_may_begin():
    for state in (State.COMPLETE, State.ROLLED_BACK, State.FAILED):
        admitted([replace(release(), state=state)], spec(candidate=V3))


def test_a_version_is_not_released_in_its_own_place():
    with pytest.raises(Conflict, match="T2005"):
        admitted([], spec(candidate=replace(V1, image="web:1-again")))


def test_releases_that_share_a_target_or_a_service_touch():
    elsewhere = Side(service="shop/api", version="v1")
    api = spec(service="shop/api", stable=elsewhere, candidate=replace(elsewhere, version="v2"), targets=("shop/api",))

    assert touches(spec(), spec(candidate=V3))
    assert touches(replace(api, targets=("a.test",)), spec(targets=("a.test",)))
    assert not touches(api, spec())


# --------------------------------------------------------------------------------------------------- what came before


def test_a_retained_side_leaves_when_the_next_release_begins():
    old = replace(DONE, retire_at=5000.0, spec=replace(DONE.spec, retire=Retire.REMOVE))
    new = begun(spec(stable=V2, candidate=V3), 2, 2000.0, "ann")

    assert overtaken(old, new, 2000.0).retire_at == 2000.0


def test_what_was_retained_is_drained_and_removed_under_the_next_release_too():
    made = World(stored=release(retire=Retire.REMOVE, retain_seconds=3000.0))
    made.run(until=lambda each: each.state is State.AWAITING_CONFIRM)
    made.commit(promote(made.stored, made.seen(), By(who="ann", when=made.now)))
    made.run(until=lambda each: each.state is State.COMPLETE)
    new = begun(spec(stable=V2, candidate=V3), 2, made.now, "ann")
    made.commit(overtaken(made.stored, new, made.now))
    made.disturbed = True  # the new release says who serves
    made.run(until=lambda each: each.closed)

    assert (made.stable, len(made.candidate)) == ({}, 3)


def test_a_side_that_lost_gets_no_traffic_after_the_next_release_either():
    new = begun(spec(stable=V2, candidate=V3), 2, 2000.0, "ann")
    old = overtaken(DONE, new, 2000.0)

    assert overlay(Overrides(), [old, new]).weights == {WEB: {"v2": 100, "v3": 0}}
    assert overlay(Overrides(), [old, replace(new, closed=True)]).weights == {WEB: {"v1": 0}}


def test_a_version_that_was_rolled_back_and_is_left_to_its_owner_keeps_out_of_the_next_release():
    new = begun(spec(candidate=V3), 2, 2000.0, "ann")
    old = overtaken(replace(DONE, state=State.ROLLED_BACK), new, 2000.0)

    assert (old.closed, old.weights) == (False, {"v2": 0})


def test_a_side_that_takes_part_again_is_the_new_releases():
    again = begun(spec(), 2, 2000.0, "ann")

    assert overtaken(replace(DONE, state=State.ROLLED_BACK), again, 2000.0).closed
    assert overtaken(DONE, begun(spec(stable=V2, candidate=V1), 2, 2000.0, "ann"), 2000.0).closed


def test_what_is_closed_or_goes_on_is_left_alone():
    new = begun(spec(candidate=V3), 2, 2000.0, "ann")
    for old in (replace(DONE, closed=True), release()):
        assert overtaken(old, new, 2000.0) is old


def test_the_past_is_kept_for_twenty_releases():
    past = [replace(DONE, number=number, closed=True) for number in range(1, KEPT + 4)]

    assert prunable([*past, release(number=99)]) == (1, 2, 3)
    assert prunable(past[:3]) == ()


# ---------------------------------------------------------------------------------------------------------- rollback


def rolled_back(last, look, world=None, **given):
    back = reversal(last, look, 2, ANN, **given)
    return World(
        stored=back,
        now=2000.0,
        stable={each.id: each for each in look.candidate},
        candidate={each.id: each for each in look.stable},
        **world or {},
    )


def test_a_retained_version_serves_again_at_once():
    last = replace(DONE, retire_at=5000.0, spec=replace(DONE.spec, retain_seconds=300.0))
    made = rolled_back(last, seen(candidate=news()))
    made.turn()

    assert made.table.weights == {WEB: {"v2": 0, "v1": 100}}
    assert made.stored.spec.rollback_of == 1
    assert made.stored.asked_by.why == "it is slow"


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.REPLACE])
def test_a_version_that_was_stopped_is_started_again(strategy):
    stop = strategy is Strategy.REPLACE
    steps = (Step(candidates=3, share=100, stables=0, stop_first=stop),)
    last = replace(
        DONE,
        spec=replace(DONE.spec, strategy=strategy, steps=steps, retire=Retire.STOP, retain_seconds=300.0),
        fates={each.id: Fate(wish=Wish.STOP, since=1.0) for each in olds()},
    )
    stopped = tuple(ended(each) for each in olds())
    made = rolled_back(last, seen(stable=stopped, candidate=news()))
    made.run(until=lambda each: each.finished)

    assert (made.stored.state, made.stored.weights) == (State.COMPLETE, {"v2": 0, "v1": 100})
    assert sum(each.ready for each in made.candidate.values()) == 3
    assert not any(each.alive for each in made.stable.values()) or made.stored.retire_at


def test_a_version_that_is_gone_is_made_anew_from_its_image():
    back = reversal(DONE, seen(stable=(), candidate=news()), 2, ANN)

    assert (back.spec.change.image, back.spec.replicas, len(back.spec.slots)) == ("web:1", 3, 3)
    made = rolled_back(DONE, seen(stable=(), candidate=news())).run(until=lambda each: each.finished)
    assert made.stored.state is State.COMPLETE
    assert sorted(each.name for each in made.candidate.values()) == ["web-v1-2-1", "web-v1-2-2", "web-v1-2-3"]


def test_a_version_that_is_gone_is_made_anew_of_the_very_image_it_was():
    images = {"": Pin(id="sha256:old")}
    last = replace(DONE, origin=Origin(image="web:1", images=images, environment={"A": "1"}))
    back = reversal(last, seen(stable=(), candidate=news()), 2, ANN, Change(image="web:1", environment={"A": "1"}))

    assert (back.images, back.spec.change.environment, back.lacking) == (images, {"A": "1"}, ())
    kept = reversal(last, seen(candidate=news()), 2, ANN)
    assert (kept.images, kept.spec.slots) == ({}, ())


@pytest.mark.parametrize(
    ("last", "look", "code"),
    [
        (release(), seen(), "T2002"),
        (replace(DONE, spec=replace(DONE.spec, rollback_of=7)), seen(), "T2004"),
        (replace(DONE, spec=replace(DONE.spec, stable=replace(V1, image=""))), seen(stable=()), "T2002"),
    ],
)
def test_what_cannot_be_undone_says_why(last, look, code):
    with pytest.raises(Conflict, match=code):
        reversal(last, look, 2, ANN)


def test_the_sides_of_a_rollback_are_those_of_the_release_changed_over():
    back = reversal(DONE, seen(candidate=news()), 2, ANN).spec

    assert (back.stable, back.candidate, back.service) == (V2, V1, WEB)
