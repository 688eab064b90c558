"""Where a release stands: the only thing that is stored of it. What is to be done follows from it and from what is seen.

    pending -> starting -> gating -> shifting -> awaiting-confirm -> draining -> complete
                   any of them, and draining -> rolling-back -> rolled-back
                                                rolling-back -> failed

States only move forward, and within shifting the steps and their phases do (`Release.rank`). A pause is no state: it has
a reason, and whatever it interrupted goes on where it was. Steps that need no time are passed through one by one all the same.

A finished release governs its weights until the side that lost is gone; only then it is *closed*. COMPLETE and closed are two
things, so that an old side which is retained or left to its owner gets no traffic by surprise.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from tidegate.release.gates import Verdict
from tidegate.release.image import Pin
from tidegate.release.samples import Counts
from tidegate.release.spec import Origin, Spec
from tidegate.value import Value

TIDEGATE = "tidegate"  # who did it, where no person did
HISTORY = 100  # moments kept of one release: its first one, and the latest


class State(StrEnum):
    """In their order. STARTING: replicas come up. GATING: they are ready and have to stay so, without traffic. SHIFTING:
    the candidate has a share. AWAITING_CONFIRM: a person decides. DRAINING: decided; the old side leaves.
    ROLLING_BACK: the old side takes over again. FAILED: neither to be ended nor undone; traffic stays where it is."""

    PENDING = "pending"
    STARTING = "starting"
    GATING = "gating"
    SHIFTING = "shifting"
    AWAITING_CONFIRM = "awaiting-confirm"
    DRAINING = "draining"
    COMPLETE = "complete"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"


FINISHED = frozenset((State.COMPLETE, State.ROLLED_BACK, State.FAILED))
#: States in which the candidate is on its way and every rule about its failure holds.
UNDECIDED = frozenset((State.PENDING, State.STARTING, State.GATING, State.SHIFTING, State.AWAITING_CONFIRM))


class Phase(StrEnum):
    """Within a step. START: replicas come up. SHIFT: the weights are stored and on their way to the workers. HOLD: gates are
    asked. REDUCE: replicas of the old side leave. With `stop_first` REDUCE is the first one."""

    START = "start"
    SHIFT = "shift"
    HOLD = "hold"
    REDUCE = "reduce"


START_FIRST = (Phase.START, Phase.SHIFT, Phase.HOLD, Phase.REDUCE)
STOP_FIRST = (Phase.REDUCE, Phase.START, Phase.SHIFT, Phase.HOLD)


class Wish(StrEnum):
    """What is wished of a container that is not simply to serve. DRAIN: no new requests. STOP: and then to end. REMOVE: and
    then to be gone. RETURN: to serve again."""

    DRAIN = "drain"
    STOP = "stop"
    REMOVE = "remove"
    RETURN = "return"


class Fate(Value):
    """A wish for one container, and since when. `name` and `node` are where it is."""

    wish: Wish
    since: float
    name: str = ""
    node: str = ""


class Cause(StrEnum):
    """Why a release is paused. OPERATOR: somebody said so. CONFIRM: the plan has a stop here. INCONCLUSIVE: the gates do not
    know enough. FAILURE: something failed that is not undone by itself. STUCK: something takes too long."""

    OPERATOR = "operator"
    CONFIRM = "confirm"
    INCONCLUSIVE = "inconclusive"
    FAILURE = "failure"
    STUCK = "stuck"


class Pause(Value):
    """A halt until a person says how to go on."""

    cause: Cause
    text: str
    since: float
    who: str = ""


class Moment(Value):
    """One line of a release's history. `when` is seconds since the epoch; `who` is `tidegate` where no person did it."""

    when: float
    who: str
    what: str
    why: str = ""


class Release(Value):
    """The record. Times are seconds since the epoch.

    `number` grows by one with each release of a service. `step` and `phase` are where it is in `spec.steps`, `phase_since`
    when that began. `candidates` replicas of the new side shall run. `weights`: backend name -> relative weight, in force
    for all `spec.targets`; while `held`, requests wait. `fates`: by container id, for those that shall not simply serve.
    `window` is since when requests count for its gates, 0 before its first hold. `until` is the end of the hold, `extended` how often it was put off, `skip` that somebody ended it, `full` that all further
    holds and confirmations are skipped, `keep` that the weights stay as a person set them.
    `progress_at` is when a further replica got ready, `most_ready` how many were; `short_since` when too few were, else 0.
    `restarted` are restarts that happened before the release began, by container. `verdicts` are those the hold was last ended or
    extended by. `retire_at` is when the retained old side leaves. `reason` says why it was rolled back or failed.
    `images` are those that the candidate's containers are made of, by node, from when all engines hold one. `origin` is what the
    old side was, None where that is not known. `reference` is what the old side did when it last had traffic enough to compare with.
    """

    number: int
    spec: Spec
    state: State = State.PENDING
    step: int = 0
    phase: Phase = Phase.START
    phase_since: float = 0.0
    candidates: int = 0
    weights: dict[str, int] = {}
    held: bool = False
    fates: dict[str, Fate] = {}
    window: float = 0.0
    until: float = 0.0
    extended: int = 0
    skip: bool = False
    full: bool = False
    keep: bool = False
    paused: Pause | None = None
    progress_at: float = 0.0
    most_ready: int = 0
    short_since: float = 0.0
    restarted: dict[str, int] = {}
    verdicts: tuple[Verdict, ...] = ()
    retire_at: float = 0.0
    reason: str = ""
    closed: bool = False
    images: dict[str, Pin] = {}
    origin: Origin | None = None
    reference: Counts | None = None
    history: tuple[Moment, ...] = ()

    @property
    def finished(self) -> bool:
        """Whether another release of the service may begin."""
        return self.state in FINISHED

    @property
    def share(self) -> float:
        """The candidate's part of the traffic, 0.0 to 1.0, as the weights say."""
        whole = sum(self.weights.values())
        return self.weights.get(self.spec.candidate_name, 0) / whole if whole else 0.0

    @property
    def lacking(self) -> tuple[str, ...]:
        """Nodes of which it is not known yet which image the candidate's containers are made of there."""
        spec = self.spec
        if not spec.creates or not spec.change.image:
            return ()
        nodes = dict.fromkeys(spec.slot(number).node for number in range(1, spec.replicas + 1))
        return tuple(node for node in nodes if node not in self.images)

    @property
    def rank(self) -> tuple[int, int, int]:
        """Grows with every transition forward; never falls."""
        phases = STOP_FIRST if self.spec.steps[self.step].stop_first else START_FIRST
        return (list(State).index(self.state), self.step, phases.index(self.phase))

    @property
    def asked_by(self) -> Moment:
        """Who asked for it, when and why."""
        return self.history[0]

    def __str__(self) -> str:
        return f"release {self.number} of {self.spec.service}"


def begun(spec: Spec, number: int, now: float, who: str, why: str = "") -> Release:
    """The record of a release that was just asked for: the old side has all of the traffic."""
    what = f"{spec.strategy.value} from {spec.stable.called} to {spec.candidate.called} asked for"
    return Release(
        number=number,
        spec=spec,
        phase_since=now,
        weights={spec.stable_name: 100, spec.candidate_name: 0},
        history=(Moment(when=now, who=who, what=what, why=why),),
    )


def moved(release: Release, now: float, what: str, *, who: str = TIDEGATE, why: str = "", **fields: Any) -> Release:
    """`release` with `fields` changed, and one more line in its history."""
    return replace(release, history=told(release.history, Moment(when=now, who=who, what=what, why=why)), **fields)


def told(history: tuple[Moment, ...], moment: Moment) -> tuple[Moment, ...]:
    """`history` with one more moment; of too many, those after the first are forgotten."""
    kept = (*history, moment)
    return kept if len(kept) <= HISTORY else (kept[0], *kept[-(HISTORY - 1) :])
