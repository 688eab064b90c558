r"""The health of one endpoint, as a pure state machine.

Two witnesses, and both must agree before an endpoint gets traffic:

* the *probe* side: our own checks. STARTING until `rise` successes in a row, then HEALTHY; UNHEALTHY after `fall`
  failures in a row, HEALTHY again after `rise` successes. A STARTING endpoint becomes UNHEALTHY only when it has also had
  the time that `fall` checks at the normal interval take: checks are quicker while it starts, its patience is not shorter.
* the *engine* side: Docker's HEALTHCHECK, or NONE, which agrees to everything.

    probe \ engine    NONE, HEALTHY   STARTING    UNHEALTHY
    STARTING         STARTING        STARTING    UNHEALTHY
    HEALTHY          HEALTHY         STARTING    UNHEALTHY
    UNHEALTHY        UNHEALTHY       UNHEALTHY   UNHEALTHY

An endpoint without a probe is checked by a TCP connect to its own port: one success makes it healthy by definition (the
label language says so), and it is looked at again only when traffic reports a failure (*passive* facts). A passive fact
is never a verdict by itself: it asks for a check at once, and for the next ones in a hurry until one succeeds.

What was HEALTHY before a restart of ours begins as HEALTHY, ASSUMED, and stays so until a success confirms it or `fall`
failures of this life refute it. Impossible: HEALTHY from STARTING without a success; any change from an outcome that is
not the endpoint's doing (`Verdict.UNKNOWN`). DRAINING is not decided here: who is told to stop is the engine's fact.
"""

from __future__ import annotations

from enum import Enum

from msgspec.structs import replace

from tidegate.model import EngineHealth, HealthSource, HealthState, ProbeKind, ProbeSpec
from tidegate.value import Value

UNPROBED = ProbeSpec(kind=ProbeKind.TCP)  # what holds for an endpoint that has no probe of its own

QUICK_SECONDS = 0.05  # first retry after a refused connect; then an eighth of the time waited, so it lags by 12 %
SLOW_START_SECONDS = 0.5  # retries stay below this for the first minute
HURRY_SECONDS = 0.1  # between checks after a passive fact
STARTING_SECONDS = 0.5  # between checks that reach the endpoint but fail, or of which `rise` needs more


class Verdict(Enum):
    """What a check saw. REFUSED: nobody listens, which costs the endpoint nothing to ask again soon. UNKNOWN: the fault
    is ours (no file descriptors, engine gone) and says nothing about the endpoint."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(Value):
    """Verdict and its reason in a few words: `connection refused`, `status 503`, `timed out after 2 s`."""

    verdict: Verdict
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the check succeeded."""
        return self.verdict is Verdict.OK


class Standing(Value):
    """What is known of one endpoint. `waiting_since` is when it was first due for a check, or stopped being healthy, on
    the caller's clock.

    `probe` is the probe side's state; `source` and `reason` say who moved it last and why; `successes` and `failures`
    count in a row. `hurry` is set by a passive fact and cleared by a success or by becoming UNHEALTHY.
    """

    waiting_since: float
    probe: HealthState = HealthState.STARTING
    engine: EngineHealth = EngineHealth.NONE
    source: HealthSource = HealthSource.PROBE
    reason: str = "not checked yet"
    successes: int = 0
    failures: int = 0
    hurry: bool = False

    @property
    def state(self) -> HealthState:
        """Both witnesses together."""
        if HealthState.UNHEALTHY is self.probe or self.engine is EngineHealth.UNHEALTHY:
            return HealthState.UNHEALTHY
        if self.engine is EngineHealth.STARTING:
            return HealthState.STARTING
        return self.probe

    @property
    def engine_decides(self) -> bool:
        """Whether the state is the engine's doing and not the probe's."""
        return self.state is not self.probe


def assumed(standing: Standing) -> Standing:
    """As it was before our restart: healthy, not yet confirmed."""
    return replace(
        standing, probe=HealthState.HEALTHY, source=HealthSource.ASSUMED, reason="healthy before the restart"
    )


def after(standing: Standing, outcome: Outcome, spec: ProbeSpec, now: float) -> Standing:
    """The standing after one check; the same object where nothing changed."""
    if outcome.verdict is Verdict.UNKNOWN:
        return standing
    if outcome.ok:
        return _after_success(standing, spec)
    return _after_failure(standing, outcome.reason, spec, now)


def with_engine(standing: Standing, health: EngineHealth) -> Standing:
    """The standing when the engine's own health check says `health`."""
    return standing if standing.engine is health else replace(standing, engine=health)


def suspected(standing: Standing) -> Standing:
    """After a passive fact: check at once, and in a hurry."""
    return standing if standing.hurry or standing.probe is not HealthState.HEALTHY else replace(standing, hurry=True)


def next_check(standing: Standing, outcome: Outcome, spec: ProbeSpec, probed: bool, now: float) -> float | None:
    """Seconds from `now` to the next check, before jitter; None when only a passive fact asks for one."""
    if standing.probe is HealthState.HEALTHY:
        return _next_while_healthy(standing, outcome, spec, probed)
    if outcome.verdict is Verdict.REFUSED:
        return min(spec.interval_seconds, _patience(now - standing.waiting_since))
    if standing.probe is HealthState.STARTING and spec.kind is not ProbeKind.COMMAND:
        return min(spec.interval_seconds, STARTING_SECONDS)
    return spec.interval_seconds


def _next_while_healthy(standing: Standing, outcome: Outcome, spec: ProbeSpec, probed: bool) -> float | None:
    if standing.hurry:
        return min(spec.interval_seconds, HURRY_SECONDS)
    settled = outcome.ok or (not standing.failures and standing.source is not HealthSource.ASSUMED)
    return None if settled and not probed else spec.interval_seconds


def _patience(waited: float) -> float:
    """Retry after a share of the time already waited: quick starters are seen at once, slow ones within a second."""
    return max(QUICK_SECONDS, min(waited / 8, SLOW_START_SECONDS), waited / 120)


def _after_success(standing: Standing, spec: ProbeSpec) -> Standing:
    if standing.probe is HealthState.HEALTHY:
        if not standing.failures and not standing.hurry and standing.source is not HealthSource.ASSUMED:
            return standing
        return replace(standing, successes=0, failures=0, hurry=False, source=HealthSource.PROBE, reason="")
    successes = standing.successes + 1
    if successes < spec.rise:
        return replace(standing, successes=successes, failures=0)
    return replace(
        standing, probe=HealthState.HEALTHY, source=HealthSource.PROBE, reason="", successes=0, failures=0, hurry=False
    )


def _after_failure(standing: Standing, reason: str, spec: ProbeSpec, now: float) -> Standing:
    failures = standing.failures + 1
    if standing.probe is HealthState.UNHEALTHY or not _falls(standing, failures, spec, now):
        shown = standing.reason if standing.probe is HealthState.HEALTHY else reason
        return replace(standing, failures=failures, successes=0, reason=shown)
    fell = standing.probe is HealthState.HEALTHY
    return replace(
        standing,
        probe=HealthState.UNHEALTHY,
        source=HealthSource.PASSIVE if standing.hurry else HealthSource.PROBE,
        reason=reason,
        waiting_since=now if fell else standing.waiting_since,
        failures=failures,
        successes=0,
        hurry=False,
    )


def _falls(standing: Standing, failures: int, spec: ProbeSpec, now: float) -> bool:
    patient = (
        standing.probe is HealthState.STARTING and now - standing.waiting_since < spec.fall * spec.interval_seconds
    )
    return failures >= spec.fall and not patient
