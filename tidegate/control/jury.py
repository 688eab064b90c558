"""Asks the gates of each release that is held, again and again, and keeps what they said last.

Nobody waits for it: `look` is called whenever a release was looked at, and `said` tells when a verdict is new. Gates that only
count are asked every 2 s, those that ask others every 10 s, apart, so that a slow answer holds up no count. All are asked
once more when the hold's time is over: what decides is what was asked after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tidegate.control.asking import Asking
from tidegate.control.gatekeeper import Gatekeeper
from tidegate.control.windows import Windows
from tidegate.model import InstanceState
from tidegate.release.capacity import staying
from tidegate.release.gates import Gate, HookGate, Life, QueryGate, Verdict
from tidegate.release.holding import asked_gates
from tidegate.release.record import Release
from tidegate.release.samples import Window
from tidegate.release.seen import Seen
from tidegate.tasks import Tasks

COUNTING_SECONDS = 2.0
ASKING_SECONDS = 10.0
_IDLE_SECONDS = 60.0  # where no gate is asked, until the next look


class _Case:
    """One release, and what was said in one hold of it."""

    def __init__(self) -> None:
        self.hold = ""  # of which `said` is
        self.release: Release | None = None  # as it was looked at last
        self.lives: tuple[Life, ...] = ()
        self.said: dict[str, tuple[float, Verdict]] = {}  # by gate: when it was asked, and what it said
        self.looks = {COUNTING_SECONDS: asyncio.Event(), ASKING_SECONDS: asyncio.Event()}  # set by each look
        self.tasks: list[asyncio.Task[None]] = []  # set by `run`, one for each of `looks`


class Jury:
    """`wall` gives seconds since the epoch, as the times of a release are; `said` is told the name of a release."""

    def __init__(
        self, windows: Windows, gatekeeper: Gatekeeper, wall: Callable[[], float], said: Callable[[str], None]
    ) -> None:
        self._windows = windows
        self._gatekeeper = gatekeeper
        self._wall = wall
        self._said = said
        self._cases: dict[str, _Case] = {}
        self._come = asyncio.Event()

    def look(self, release: Release, seen: Seen) -> tuple[tuple[Verdict, ...], float]:
        """Follow this release. Gives `Seen.verdicts` and `Seen.judged_at`: what its gates said in this hold, and since when
        all of them were asked."""
        name = name_of(release)
        case = self._cases.get(name)
        if case is None:
            case = self._cases[name] = _Case()
            self._come.set()
        if case.hold != _mark(release):
            case.hold, case.said = _mark(release), {}
        case.release, case.lives = release, lives_of(release, seen)
        for event in case.looks.values():
            event.set()
        self._window(release)  # also where nothing is asked: what the stable side does before is a hold's reference
        return _told(release, case.said)

    def forget(self, release: Release) -> None:
        """The release is over."""
        case = self._cases.pop(name_of(release), None)
        for task in case.tasks if case is not None else ():
            task.cancel()
        self._windows.forget(name_of(release))

    async def run(self) -> None:
        """Ask until cancelled."""
        async with Tasks("jury") as tasks:
            while True:
                self._come.clear()
                for name, case in self._cases.items():
                    if not case.tasks:
                        case.tasks = [
                            tasks.spawn(f"{name} every {every:g} s", self._follow(case, every)) for every in case.looks
                        ]
                await self._come.wait()

    async def _follow(self, case: _Case, every: float) -> None:
        """Ask those gates of one release that are asked so often."""
        while True:
            case.looks[every].clear()
            assert case.release is not None, "a case begins with a look"
            now = self._wall()
            times = {gate: _next(case.release, case.said.get(gate.name), every) for gate in _gates(case.release, every)}
            due = tuple(gate for gate, at in times.items() if at <= now)
            if due:
                await self._ask(case, case.release, due, now)
                continue
            try:
                async with asyncio.timeout(min(times.values(), default=now + _IDLE_SECONDS) - now):
                    await case.looks[every].wait()
            except TimeoutError:
                continue

    async def _ask(self, case: _Case, release: Release, gates: tuple[Gate, ...], now: float) -> None:
        hold = case.hold
        asking = Asking(
            release=name_of(release),
            service=release.spec.service,
            candidate=release.spec.candidate.version,
            stable=release.spec.stable.version,
            step=release.step,
            share=100 * release.share,
            gates=gates,
            window=self._window(release),
            lives=case.lives,
        )
        verdicts = await self._gatekeeper.ask(asking)
        if case.hold == hold:  # else they speak of one that is over
            case.said.update({each.gate: (now, each) for each in verdicts})
            self._said(asking.release)

    def _window(self, release: Release) -> Window:
        candidate, stable = release.spec.candidate, release.spec.stable
        sides = (candidate.service, candidate.version), (stable.service, stable.version)
        return self._windows.of(name_of(release), _mark(release), *sides)


def name_of(release: Release) -> str:
    """The name of a release for good."""
    return f"{release.spec.service}/{release.number}"


def lives_of(release: Release, seen: Seen) -> tuple[Life, ...]:
    """What became of the candidate's containers since the release first saw them; not of those it told to leave or to come
    back."""
    return tuple(
        Life(
            name=each.name,
            restarts=max(0, each.restarts - release.restarted.get(each.id, 0)),
            exited=each.exit_code if each.state is InstanceState.STOPPED else None,
            out_of_memory=each.out_of_memory,
        )
        for each in staying(release, seen.candidate)
        if each.id not in release.fates
    )


def _mark(release: Release) -> str:
    """One phase of one step; a hold that is only extended goes on."""
    return f"{release.step}.{release.phase.value}.{release.phase_since}"


def _gates(release: Release, every: float) -> Iterable[Gate]:
    return (
        gate for gate in asked_gates(release) if isinstance(gate, QueryGate | HookGate) is (every == ASKING_SECONDS)
    )


def _next(release: Release, said: tuple[float, Verdict] | None, every: float) -> float:
    """When a gate is to be asked: at once, again after a while, and when the hold's time is over."""
    if said is None:
        return 0.0
    return min(said[0] + every, release.until) if said[0] < release.until else said[0] + every


def _told(release: Release, said: dict[str, tuple[float, Verdict]]) -> tuple[tuple[Verdict, ...], float]:
    """In the order of the gates. While one of them did not speak, since no later than the hold began."""
    found = [said.get(gate.name) for gate in asked_gates(release)]
    spoke = [each for each in found if each is not None]
    since = min((at for at, _ in spoke), default=0.0) if len(spoke) == len(found) else release.phase_since
    return tuple(verdict for _, verdict in spoke), since
