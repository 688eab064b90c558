"""The gates of one release while its candidate serves: what they said last, and asking those whose turn it is.

Gates that count here are asked at each look; those that ask others only in holds, every few seconds, in a task of their own, and once
more after the end of the hold. Windows of traffic are kept open over all phases, so that what the stable side did before it lost
its traffic is there to compare with.
"""

from __future__ import annotations

from collections.abc import Callable

from tidegate.control.asking import Asking
from tidegate.control.ports import GatePort
from tidegate.control.windows import Windows
from tidegate.release.gates import Gate, HookGate, Life, QueryGate, Verdict
from tidegate.release.holding import asked_gates
from tidegate.release.record import Release
from tidegate.release.samples import Counts, Window
from tidegate.release.seen import Container
from tidegate.tasks import Tasks

ASK_SECONDS = 10.0


class Gating:
    """Of one release. `wake` is called when others have answered; `wall` gives seconds since the epoch."""

    def __init__(
        self, windows: Windows, gates: GatePort, tasks: Tasks, wake: Callable[[], None], wall: Callable[[], float]
    ) -> None:
        self._windows = windows
        self._gates = gates
        self._tasks = tasks
        self._wake = wake
        self._wall = wall
        self._hold: tuple[int, float] = (0, 0.0)  # step and beginning of the phase that what is said is about
        self._said: dict[str, tuple[Verdict, float]] = {}  # by gate, with the time it was asked
        self._under_way = False

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What was said in this phase, each gate's latest."""
        return tuple(verdict for verdict, _ in self._said.values())

    @property
    def judged_at(self) -> float:
        """When the gate that was asked the longest ago was; 0 before the first."""
        return min((at for _, at in self._said.values()), default=0.0)

    async def look(self, release: Release, candidates: tuple[Container, ...]) -> None:
        """Ask those whose turn it is."""
        hold = (release.step, release.phase_since)
        if hold != self._hold:
            self._hold, self._said = hold, {}
        asking = self._asking(release, candidates)
        ours = tuple(gate for gate in asking.gates if not isinstance(gate, QueryGate | HookGate))
        now = self._wall()
        self._hear(hold, now, await self._gates.ask(_only(asking, ours)) if ours else ())
        others = tuple(gate for gate in asking.gates if gate not in ours and self._due(release, gate, now))
        if others and not self._under_way:
            self._under_way = True
            self._tasks.spawn("gates", self._ask_others(hold, _only(asking, others)))

    def _due(self, release: Release, gate: Gate, now: float) -> bool:
        if gate.name not in self._said:
            return True
        at = self._said[gate.name][1]
        return now >= at + ASK_SECONDS or at < release.until <= now

    async def _ask_others(self, hold: tuple[int, float], asking: Asking) -> None:
        now = self._wall()
        try:
            self._hear(hold, now, await self._gates.ask(asking))
        finally:
            self._under_way = False
        self._wake()

    def _hear(self, hold: tuple[int, float], at: float, verdicts: tuple[Verdict, ...]) -> None:
        if hold == self._hold:
            self._said |= {each.gate: (each, at) for each in verdicts}

    def _asking(self, release: Release, candidates: tuple[Container, ...]) -> Asking:
        spec = release.spec
        return Asking(
            release=_name(release),
            service=spec.candidate.service,
            candidate=spec.candidate.version,
            stable=spec.stable.version,
            step=release.step + 1,
            share=round(100 * release.share, 2),
            gates=asked_gates(release),
            window=self._window(release),
            lives=tuple(_life(release, each) for each in candidates),
        )

    def _window(self, release: Release) -> Window:
        spec = release.spec
        return self._windows.of(
            _name(release),
            f"{release.window}",
            (spec.candidate.service, spec.candidate.version),
            (spec.stable.service, spec.stable.version),
            release.reference,
        )

    def reference(self, release: Release) -> Counts | None:
        """What the stable side did in the present window or an earlier one, where that was enough to compare with."""
        return self._windows.reference(_name(release)) or release.reference

    def forget(self, release: Release) -> None:
        """The release is decided."""
        self._said = {}
        self._windows.forget(_name(release))


def _name(release: Release) -> str:
    return f"{release.spec.service}/{release.number}"


def _only(asking: Asking, gates: tuple[Gate, ...]) -> Asking:
    return Asking(**{name: getattr(asking, name) for name in asking.__struct_fields__} | {"gates": gates})


def _life(release: Release, container: Container) -> Life:
    return Life(
        name=container.name,
        restarts=max(0, container.restarts - release.restarted.get(container.id, 0)),
        exited=None if container.alive else container.exit_code,
        out_of_memory=container.out_of_memory,
    )
