from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import news, olds, release, seen
from tidegate.release.acts import Create, Fetch, acts
from tidegate.release.advance import advance
from tidegate.release.image import Pin
from tidegate.release.record import Fate, Phase, State, Wish
from tidegate.release.seen import Fault
from tidegate.release.spec import Change, OnFailure, Slot, Step, Strategy

TWO = (Slot(container="old1", node="a"), Slot(container="old2", node="b"))
A, B = Pin(id="sha256:a"), Pin(id="sha256:b")


def asked(**given):
    """A release of an image, after its start."""
    return advance(release(**{"slots": TWO, "change": Change(image="web:2")} | given), seen(), 1001.0)


def test_every_engine_is_asked_for_the_image_before_anything_is_made():
    assert acts(asked(), seen()) == (Fetch(node="a"), Fetch(node="b"))
    assert advance(asked(), seen(images={"a": A}), 1002.0) == asked()


def test_the_record_says_which_image_it_is_and_then_containers_are_made():
    pinned = advance(asked(), seen(images={"a": A, "b": A}), 1002.0)
    assert pinned.images == {"a": A, "b": A}
    assert pinned.history[-1].what == "image web:2 is sha256:a"
    assert {type(act) for act in acts(pinned, seen())} == {Create}


def test_an_engine_that_holds_the_image_already_is_not_asked_again_in_a_later_life():
    assert acts(replace(asked(), images={"a": A}), seen()) == (Fetch(node="b"),)


def test_engines_that_hold_different_images_end_the_release():
    back = advance(asked(), seen(images={"a": A, "b": B}), 1002.0)
    assert back.state is State.ROLLING_BACK
    assert "a has sha256:a, b has sha256:b" in back.reason
    waits = advance(asked(on_failure=OnFailure.PAUSE), seen(images={"a": A, "b": B}), 1002.0)
    assert "a has sha256:a" in waits.paused.text


@pytest.mark.parametrize("given", [{"change": Change()}, {"slots": ()}])
def test_where_no_image_is_named_or_nothing_is_made_none_is_looked_up(given):
    assert asked(**given).lacking == ()


def test_an_image_that_comes_slowly_is_not_held_against_the_candidate():
    waiting = asked(ready_seconds=300.0)
    assert advance(waiting, seen(), 1001.0 + 3000) == waiting
    pinned = advance(waiting, seen(images={"a": A, "b": A}), 5000.0)
    assert advance(pinned, seen(), 5299.0) == pinned
    assert advance(pinned, seen(), 5300.0).state is State.ROLLING_BACK


def test_an_image_that_does_not_come_is_by_a_fault_that_lasts_or_by_the_time_for_getting_ready():
    waiting = asked(ready_seconds=300.0)
    assert advance(waiting, seen(faults=(Fault(text="no route to registry"),)), 1400.0).state is State.ROLLING_BACK
    gone = advance(waiting, seen(faults=(Fault(text="no image", lasting=True),)), 1002.0)
    assert (gone.state, gone.reason) == (State.ROLLING_BACK, "no image")


def test_the_old_ones_stop_only_when_the_image_is_there():
    steps = (Step(candidates=3, share=100, stables=0, stop_first=True),)
    waiting = asked(strategy=Strategy.REPLACE, steps=steps)
    assert (waiting.phase, waiting.fates) == (Phase.REDUCE, {})
    assert advance(waiting, seen(), 2000.0) == waiting
    pinned = advance(waiting, seen(images={"a": A, "b": A}), 5000.0)
    stopping = advance(pinned, seen(), 5000.0)
    assert {fate.wish for fate in stopping.fates.values()} == {Wish.DRAIN}
    assert stopping.fates.keys() == {each.id for each in olds()}
    assert isinstance(stopping.fates["old1"], Fate)


def test_a_pause_fetches_nothing_and_a_rollback_neither():
    back = advance(asked(), seen(images={"a": A, "b": B}), 1002.0)
    assert acts(back, seen(candidate=news(0))) == ()
