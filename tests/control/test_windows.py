from __future__ import annotations

import pytest

from tests.support.counts import counted
from tidegate.control.traffic import Traffic
from tidegate.control.windows import MOST_SLICES, Windows
from tidegate.release.samples import Counts, mean

NEW, OLD = ("web", "v2"), ("web", "v1")


class World:
    """Traffic of two versions, and the windows over it; `now` is the clock."""

    def __init__(self):
        self.now = 0.0
        self.restart()

    def restart(self):
        self.traffic = Traffic(lambda: self.now)
        self.windows = Windows(self.traffic)

    def serve(self, side, number=1, **one):
        self.traffic.add("endpoint", (*side, f"{side[1]}:80"), counted(*[one] * number))

    def fail(self, side, reason, number=1):
        self.traffic.fail("endpoint", (*side, f"{side[1]}:80"), reason, number)

    def window(self, mark=1, **more):
        return self.windows.of("web/12", f"{mark}.hold", NEW, OLD, **more)


@pytest.fixture
def world():
    return World()


def test_a_window_opens_empty_and_counts_what_comes_on_both_sides(world):
    world.serve(NEW, 70, status=500)
    world.serve(OLD, 500)
    assert (world.window().candidate.requests, world.window().stable.requests) == (0, 0)
    world.now = 12.5
    world.serve(NEW, 9, status=200, duration_us=90_000, upstream_us=30_000)
    world.serve(NEW, 1, status=503, duration_us=90_000, upstream_us=30_000)
    world.serve(NEW, 2, status=404, duration_us=90_000, upstream_us=30_000)
    world.serve(OLD, 40)
    window = world.window()
    candidate = window.candidate
    assert window.seconds == 12.5
    assert (candidate.requests, candidate.failures, candidate.refusals) == (12, 1, 2)
    assert mean(candidate) == pytest.approx(0.03)  # the container's time, not the client's
    assert sum(candidate.buckets) == 12
    assert (window.stable.requests, window.stable.failures) == (40, 0)


def test_a_version_nobody_ever_asked_has_no_samples(world):
    assert world.window().candidate == Counts(buckets=(0,) * 17)


def test_the_next_step_counts_from_its_beginning(world):
    world.window(1)
    world.serve(NEW, 30)
    assert world.window(1).candidate.requests == 30
    assert world.window(2).candidate.requests == 0
    world.serve(NEW, 5)
    assert world.window(2).candidate.requests == 5


def test_a_release_that_is_over_leaves_nothing(world):
    world.window(1)
    world.serve(NEW, 30)
    world.windows.forget("web/12")
    world.windows.forget("never/1")
    assert world.window(1).candidate.requests == 0


def test_releases_have_windows_of_their_own(world):
    world.window()
    world.serve(NEW, 30)
    assert world.windows.of("other/1", "1.hold", NEW, OLD).candidate.requests == 0
    assert world.window().candidate.requests == 30


@pytest.mark.parametrize("reason", ["connect-failed", "connect-timeout", "upstream-closed", "response-timeout"])
def test_a_try_whose_request_was_saved_elsewhere_is_a_failure_of_who_failed(world, reason):
    """A version that answers nobody must not look as if it had no traffic."""
    world.window()
    world.fail(NEW, reason, 60)
    world.serve(OLD, 60)
    window = world.window()
    assert (window.candidate.requests, window.candidate.failures) == (60, 60)
    assert (window.stable.requests, window.stable.failures) == (60, 0)


def test_a_try_that_ended_in_a_5xx_counts_once(world):
    world.window()
    world.serve(NEW, 60, status=502, upstream_us=None)
    world.fail(NEW, "upstream-closed", 60)
    assert (world.window().candidate.requests, world.window().candidate.failures) == (60, 60)


def test_an_answer_of_a_gateway_error_counts_once_beside_tries_that_were_saved(world):
    world.window()
    world.serve(NEW, 10, status=503)
    world.fail(NEW, "bad-response", 10)
    world.fail(NEW, "connect-failed", 5)
    assert (world.window().candidate.requests, world.window().candidate.failures) == (15, 15)


def test_an_answer_that_broke_off_is_a_failure_though_it_began_with_200(world):
    world.window()
    world.serve(NEW, 10, status=200)
    world.fail(NEW, "response-aborted", 4)
    assert (world.window().candidate.requests, world.window().candidate.failures) == (10, 4)


def test_that_we_are_out_of_descriptors_is_not_the_versions_fault(world):
    world.window()
    world.serve(NEW, 10, status=200)
    world.fail(NEW, "overloaded", 4)
    assert (world.window().candidate.requests, world.window().candidate.failures) == (10, 0)


def test_counters_that_restarted_begin_the_window_anew(world):
    world.serve(NEW, 100)
    world.window()
    before = world.windows
    world.serve(NEW, 20)
    world.traffic = before._traffic = Traffic(lambda: world.now)  # what `forget` leaves of a version without traffic
    world.serve(NEW, 30)
    assert world.window().candidate.requests == 0
    world.serve(NEW, 7)
    assert world.window().candidate.requests == 7


def test_what_the_stable_side_did_before_is_the_reference_of_later_steps(world):
    world.window(0)
    world.serve(OLD, 80)
    first = world.window(1)
    assert first.reference.requests == 80
    world.serve(NEW, 200)
    second = world.window(2)
    assert second.stable.requests == 0
    assert second.reference.requests == 80  # a step in which it did nothing is no reference
    world.serve(OLD, 60)
    assert world.window(3).reference.requests == 60


def test_a_step_with_few_requests_is_no_reference(world):
    world.window(0)
    world.serve(OLD, 49)
    assert world.window(1).reference is None


def test_after_a_restart_the_reference_that_was_kept_stands_in(world):
    kept = Counts(requests=80)
    assert world.window(1, reference=kept).reference == kept
    world.serve(OLD, 70)
    assert world.window(2, reference=kept).reference.requests == 70


def test_what_a_next_window_would_compare_with_can_be_asked_before_it_opens(world):
    assert world.windows.reference("web/12") is None
    world.window()
    assert world.windows.reference("web/12") is None
    world.serve(OLD, 60)
    assert world.windows.reference("web/12").requests == 60
    world.window(2)
    assert world.windows.reference("web/12").requests == 60  # nobody came since


def test_a_window_is_dated_by_the_reports_not_by_who_asks(world):
    world.now = 10.0
    world.traffic.fly(0, 1, ())
    world.window()
    world.now = 10.9
    assert world.window().seconds == 0.0
    world.traffic.fly(0, 1, ())
    assert world.window().seconds == pytest.approx(0.9)


def looks(world, *at):
    """What is seen at these times, a second's requests later each: the last of it."""
    for now in at:
        world.now = now
        world.traffic.fly(0, 1, ())
        window = world.window()
    return window


def test_slices_follow_each_other_once_replicas_are_warm(world):
    looks(world, 0.0)
    world.serve(NEW, 500, upstream_us=900_000)
    assert looks(world, 5.0).slices == ()
    world.serve(NEW, 10, upstream_us=30_000)
    world.serve(OLD, 20)
    assert looks(world, 6.0, 6.9).slices == ()
    first = looks(world, 7.0).slices
    assert [(each.candidate.requests, each.stable.requests) for each in first] == [(10, 20)]
    assert mean(first[0].candidate) == pytest.approx(0.03)
    world.serve(NEW, 3)
    world.serve(OLD, 4)
    window = looks(world, 9.5)
    assert [(each.candidate.requests, each.stable.requests) for each in window.slices] == [(10, 20), (3, 4)]
    assert window.settled.candidate.requests == 13
    assert window.candidate.requests == 513


def test_the_next_window_has_slices_of_its_own(world):
    looks(world, 0.0, 5.0, 7.0)
    world.window(2)
    assert world.window(2).slices == ()


def test_of_many_slices_each_two_become_one(world):
    looks(world, 0.0, 5.0)
    for number in range(MOST_SLICES):
        world.serve(NEW, number)
        looks(world, 7.0 + 2 * number)
    slices = looks(world, world.now).slices
    assert len(slices) == MOST_SLICES // 2
    assert slices[-1].candidate.requests == MOST_SLICES - 2 + MOST_SLICES - 1
    assert len(looks(world, world.now + 2.0).slices) == MOST_SLICES // 2
    assert len(looks(world, world.now + 2.0).slices) == MOST_SLICES // 2 + 1


def test_what_each_container_of_the_stable_side_did_is_known_apart(world):
    def serve(endpoint, number):
        world.traffic.add("endpoint", (*OLD, endpoint), counted(*[{"upstream_us": 20_000}] * number))

    serve("a:80", 100)
    serve("b:80", 100)
    looks(world, 0.0, 5.0)
    serve("a:80", 5)
    serve("b:80", 7)
    serve("c:80", 9)  # began to serve meanwhile
    assert looks(world, 6.0).stables == ()
    assert sorted(each.answered for each in looks(world, 7.0).stables) == [5, 7]
