"""What a release may be asked to prove at each step, and what came of asking.

A gate is a spec, never edited. Its verdict is one of four: *pass*; *fail*, which speaks against the candidate;
*inconclusive*, which says nothing (too few requests, no samples) and so holds the release; *error*, when the gate itself could
not be asked. Neither of the last two is ever taken for one of the first two.

Gates are stored with all their fields: a later version of the program with other defaults reads what was asked.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.value import Value

SAMPLES = 50  # requests from which a share says something
MAX_SAMPLES = 1_000_000
OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
STALE_SECONDS = 120.0  # twice the longest usual interval between scrapes


class Outcome(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105  a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Verdict(Value):
    """What one gate said, in one sentence with its numbers."""

    gate: str
    outcome: Outcome
    text: str
    sure: bool = True  # of a pass: False where nothing speaks against the candidate, but it is not proven yet either


def _within(value: float, low: float, high: float, what: str) -> None:
    if not low <= value <= high:  # nor is what is no number
        raise ValueError(f"{what} lies between {low:g} and {high:g}")


class SuccessGate(Value, tag="success", omit_defaults=False):
    """The share of requests without failure may not lie surely more than `margin` below the stable side's; nor surely below it
    and below `floor`, where the stable side itself reaches that; nor below `floor`, where there is nobody to compare with."""

    floor: float = 0.99
    margin: float = 0.01
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        _within(self.floor, 0, 1, "floor")
        _within(self.margin, 0, 1, "margin")
        _within(self.samples, 1, MAX_SAMPLES, "samples")

    @property
    def name(self) -> str:
        return "success"


class RefusalGate(Value, tag="refusals", omit_defaults=False):
    """The share of 4xx may not lie surely more than `margin` above the stable side's: a version that lost its routes or
    its keys answers everybody, and never with a 5xx."""

    margin: float = 0.05
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        _within(self.margin, 0, 1, "margin")
        _within(self.samples, 1, MAX_SAMPLES, "samples")

    @property
    def name(self) -> str:
        return "refusals"


class LatencyGate(Value, tag="latency", omit_defaults=False):
    """Two rules for the container's time. The slowest hundredth may not reach a bucket that begins above `ratio` times the
    stable side's p99 and `slower_seconds` more; the mean may not lie surely above `mean_ratio` times its mean and
    `mean_slower_seconds` more. `limit_seconds`, if not 0, bounds p99 whatever the stable side does."""

    ratio: float = 1.25
    slower_seconds: float = 0.05
    mean_ratio: float = 1.5
    mean_slower_seconds: float = 0.005
    limit_seconds: float = 0.0
    samples: int = SAMPLES

    def __post_init__(self) -> None:
        _within(self.ratio, 1, 100, "ratio")
        _within(self.mean_ratio, 1, 100, "mean_ratio")
        for what in ("slower_seconds", "mean_slower_seconds", "limit_seconds"):
            _within(getattr(self, what), 0, 3600, what)
        _within(self.samples, 1, MAX_SAMPLES, "samples")

    @property
    def name(self) -> str:
        return "latency"


class RestartGate(Value, tag="restarts", omit_defaults=False):
    """More restarts, exits or kills for want of memory than `allowed` fail at once."""

    allowed: int = 0

    def __post_init__(self) -> None:
        _within(self.allowed, 0, 1000, "allowed")

    @property
    def name(self) -> str:
        return "restarts"


class QueryGate(Value, tag="query", omit_defaults=False):
    """An instant query in PromQL whose every sample must be `operator` `limit` (one of < <= > >= == !=).

    In the query `$service`, `$candidate`, `$stable` and `$window` stand for the service's name, the two versions, and the
    step's time so far as a duration. A series without a sample for `stale_seconds` counts as none. An empty `url` is the
    Prometheus of the configuration."""

    label: str
    query: str
    operator: str
    limit: float
    url: str = ""
    stale_seconds: float = STALE_SECONDS

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(f"operator is one of {' '.join(OPERATORS)}")
        _within(self.limit, -1e300, 1e300, "limit")
        _within(self.stale_seconds, 1, 86400, "stale_seconds")

    @property
    def name(self) -> str:
        return f"query {self.label}"


class HookGate(Value, tag="hook", omit_defaults=False):
    """A web hook that is told of the step (POST, JSON) and passes with a 2xx, fails with a 4xx and the text it sends."""

    label: str
    url: str

    @property
    def name(self) -> str:
        return f"hook {self.label}"


Gate = SuccessGate | RefusalGate | LatencyGate | RestartGate | QueryGate | HookGate

#: What a release is asked where it says nothing of gates.
DEFAULT_GATES: tuple[Gate, ...] = (RestartGate(), SuccessGate(), RefusalGate(), LatencyGate())


class Life(Value):
    """What became of one container of the candidate since the release first saw it."""

    name: str
    restarts: int = 0
    exited: int | None = None  # the exit code where it does not run
    out_of_memory: bool = False


def worst(verdicts: tuple[Verdict, ...]) -> Outcome:
    """What all of them say together: one that fails decides, then one that could not be asked, then one that does not know."""
    outcomes = {each.outcome for each in verdicts}
    for outcome in (Outcome.FAIL, Outcome.ERROR, Outcome.INCONCLUSIVE):
        if outcome in outcomes:
            return outcome
    return Outcome.PASS
