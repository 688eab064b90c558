from __future__ import annotations

import asyncio
import contextlib

from msgspec.structs import replace

from tests.support.counts import counted
from tests.support.virtual_time import run_virtual
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.jury import Jury, lives_of, name_of
from tidegate.control.traffic import Traffic
from tidegate.control.windows import Windows
from tidegate.model import InstanceState
from tidegate.release.gates import HookGate, LatencyGate, Life, Outcome, QueryGate, RestartGate, SuccessGate, Verdict
from tidegate.release.record import Fate, Phase, State, Wish, begun
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Side, Spec, Step, Strategy
from tidegate.tasks import Tasks

COUNTING = (RestartGate(), SuccessGate())
QUERY = QueryGate(label="q", query="up", operator="<", limit=1.0)
HOOK = HookGate(label="h", url="http://a/")
OLD, NEW = ("web", "v1"), ("web", "v2")


def spec(*gates):
    return Spec(
        service="web",
        strategy=Strategy.CANARY,
        stable=Side(service="web", version="v1"),
        candidate=Side(service="web", version="v2"),
        targets=("web",),
        steps=(Step(candidates=1, share=50, stables=1, hold_seconds=30.0),) * 2,
        stables=1,
        replicas=1,
        gates=gates,
    )


def held(*gates, step=0, since=100.0, seconds=30.0, share=50):
    """A release in the hold of a step."""
    return replace(
        begun(spec(*gates), 12, 0.0, "me"),
        state=State.SHIFTING,
        step=step,
        phase=Phase.HOLD,
        phase_since=since,
        until=since + seconds,
        weights={"v1": 100 - share, "v2": share},
    )


class Others:
    """Prometheus and hooks that answer after so many seconds, and remember when they were asked."""

    def __init__(self, clock, seconds=0.0):
        self.clock, self.seconds, self.asked = clock, seconds, []

    async def ask(self, gate, asking):
        self.asked.append((gate.name, self.clock()))
        await asyncio.sleep(self.seconds)
        return Verdict(gate=gate.name, outcome=Outcome.PASS, text=f"share {asking.share:g}")


class Court:
    """A jury on a clock that begins at 100."""

    def __init__(self, seconds=0.0):
        loop = asyncio.get_running_loop()
        self.clock = lambda: 100.0 + loop.time()
        self.others = Others(self.clock, seconds)
        self.traffic = Traffic(self.clock)
        self.told = []
        keeper = Gatekeeper(self.others, self.others)
        self.jury = Jury(Windows(self.traffic), keeper, self.clock, lambda name: self.told.append((name, self.clock())))

    def serve(self, side, number, **one):
        self.traffic.add("endpoint", (*side, "e:80"), counted(*[one] * number))

    async def until(self, at):
        await asyncio.sleep(at - self.clock())


def in_court(play, seconds=0.0):
    """Run a play in virtual time, with the jury at work."""

    async def main():
        court = Court(seconds)
        async with Tasks("court") as tasks:
            running = tasks.spawn("jury", court.jury.run())
            try:
                await play(court)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running

    run_virtual(main())


def test_counts_are_asked_every_two_seconds_and_others_every_ten_and_all_when_the_hold_is_over():
    async def play(court):
        release = held(*COUNTING, QUERY, HOOK, seconds=27.0)
        court.jury.look(release, Seen())
        await court.until(134.0)
        times = [round(at) for name, at in court.others.asked if name == "query q"]
        assert times == [100, 110, 120, 127]
        assert [round(at) for name, at in court.others.asked if name == "hook h"] == times
        counts = sorted({round(at) for _, at in court.told})
        assert counts == [*range(100, 127, 2), 127, 129, 131, 133]

    in_court(play)


def test_what_was_said_is_told_in_the_order_of_the_gates_and_since_when_all_were_asked():
    async def play(court):
        release = held(HOOK, *COUNTING)
        assert court.jury.look(release, Seen()) == ((), 100.0)
        await court.until(113.0)
        verdicts, since = court.jury.look(release, Seen())
        assert [each.gate for each in verdicts] == ["hook h", "restarts", "success"]
        assert verdicts[0].text == "share 50"
        assert round(since) == 110

    in_court(play)


def test_a_slow_answer_holds_up_no_count_and_nothing_is_decided_without_it():
    async def play(court):
        release = held(*COUNTING, QUERY)
        court.jury.look(release, Seen())
        await court.until(105.0)
        court.serve(NEW, 100, status=500)
        await court.until(107.0)
        verdicts, since = court.jury.look(release, Seen())
        assert [(each.gate, each.outcome.value) for each in verdicts] == [("restarts", "pass"), ("success", "fail")]
        assert since == release.phase_since  # so it counts as said in this hold, but not after it
        await court.until(150.0)
        verdicts, since = court.jury.look(release, Seen())
        assert len(verdicts) == 3
        assert round(since) == 130

    in_court(play, seconds=15.0)


def test_what_was_said_of_another_hold_is_forgotten():
    async def play(court):
        court.jury.look(held(QUERY), Seen())
        await court.until(101.0)
        assert court.jury.look(held(QUERY), Seen())[0]
        court.jury.look(held(QUERY, step=1, since=101.0), Seen())
        assert court.jury.look(held(QUERY, step=1, since=101.0), Seen())[0] == ()
        await court.until(102.0)
        assert court.jury.look(held(QUERY, step=1, since=101.0), Seen())[0]

    in_court(play)


def test_an_answer_that_comes_after_its_hold_is_dropped():
    async def play(court):
        court.jury.look(held(QUERY), Seen())
        await court.until(102.0)
        later = held(QUERY, step=1, since=102.0)
        court.jury.look(later, Seen())
        await court.until(106.0)  # the first asking was answered at 105
        assert court.jury.look(later, Seen())[0] == ()
        await court.until(111.0)
        assert court.jury.look(later, Seen())[0]

    in_court(play, seconds=5.0)


def test_a_hold_that_is_extended_goes_on_counting_and_is_asked_when_it_ends():
    async def play(court):
        release = held(SuccessGate(), seconds=10.0)
        court.jury.look(release, Seen())
        court.serve(NEW, 30)
        await court.until(111.0)
        longer = replace(release, until=121.0, extended=1)
        [verdict], _ = court.jury.look(longer, Seen())
        assert verdict.outcome is Outcome.INCONCLUSIVE
        court.serve(NEW, 30)
        await court.until(121.5)
        [verdict], since = court.jury.look(longer, Seen())
        assert (verdict.outcome, round(since)) == (Outcome.PASS, 121)
        assert "of 60 requests" in verdict.text

    in_court(play)


def test_what_the_stable_side_does_before_the_hold_is_what_it_is_compared_with_where_it_has_nothing_left():
    async def play(court):
        before = replace(held(LatencyGate()), phase=Phase.START, phase_since=90.0)
        court.jury.look(before, Seen())
        court.serve(OLD, 200, upstream_us=20_000)
        await court.until(101.0)
        alone = held(LatencyGate(), since=101.0, share=100)
        court.jury.look(alone, Seen())
        court.serve(NEW, 200, upstream_us=40_000)
        await court.until(104.0)
        [verdict], _ = court.jury.look(alone, Seen())
        assert verdict.outcome is Outcome.FAIL
        assert "stable before 20 ms of 200" in verdict.text

    in_court(play)


def test_a_release_that_is_over_is_asked_about_no_more():
    async def play(court):
        release = held(QUERY)
        court.jury.look(release, Seen())
        await court.until(101.0)
        court.jury.forget(release)
        court.jury.forget(release)
        await court.until(200.0)
        assert len(court.others.asked) == 1
        court.jury.look(release, Seen())
        await court.until(201.0)
        assert len(court.others.asked) == 2

    in_court(play)


def test_without_a_hold_nobody_is_asked():
    async def play(court):
        release = replace(held(*COUNTING, QUERY), phase=Phase.SHIFT)
        court.jury.look(release, Seen())
        await court.until(300.0)
        assert court.jury.look(release, Seen()) == ((), 0.0)
        assert not court.told

    in_court(play)


def test_restarts_count_from_when_the_release_saw_the_container_and_not_of_those_told_to_leave():
    release = replace(
        held(),
        restarted={"a": 3, "b": 1},
        fates={"d": Fate(wish=Wish.DRAIN, since=0.0), "e": Fate(wish=Wish.RETURN, since=0.0)},
    )
    seen = Seen(
        candidate=(
            Container(id="a", name="web-1", restarts=3),
            Container(id="b", name="web-2", restarts=2, out_of_memory=True),
            Container(id="c", name="web-3", state=InstanceState.STOPPED, exit_code=1),
            Container(id="d", name="web-4", state=InstanceState.STOPPED, exit_code=0),
            Container(id="e", name="web-5", restarts=9),
        )
    )
    assert lives_of(release, seen) == (
        Life(name="web-1"),
        Life(name="web-2", restarts=1, out_of_memory=True),
        Life(name="web-3", exited=1),
    )
    assert name_of(release) == "web/12"
