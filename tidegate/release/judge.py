"""Gates and what was seen, to verdicts. Thresholds and why they are so: docs/decisions/0149-gates-by-what-is-sure.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isnan
from operator import eq, ge, gt, le, lt, ne

from tidegate.release.gates import (
    Gate,
    LatencyGate,
    Life,
    Outcome,
    QueryGate,
    RefusalGate,
    RestartGate,
    SuccessGate,
    Verdict,
)
from tidegate.release.latency import judge_latency
from tidegate.release.samples import LIKELY, Counts, Window, at_most_more, wilson
from tidegate.release.wording import duration, few, percent, verdict
from tidegate.value import Value

#: So many failures, if they are half of all, may fail a candidate before it has requests enough to pass. After as many a
#: worker leaves an endpoint out, and more would never be seen.
ENOUGH_FAILURES = 5
_ALONE = 4  # with so many times as many requests as the stable side the candidate is judged by the floor: there is nobody to wait for
_HOLDS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}


class Sample(Value):
    """One series of a query's answer, by its labels; a scalar and what was summed over all have none. `at` is when it was asked for, in seconds since the
    epoch, and `age` how old the sample was then."""

    series: str
    value: float
    at: float = 0.0
    age: float = 0.0


def judge(gate: Gate, window: Window, lives: Iterable[Life]) -> Verdict | None:
    """The verdict of a gate that asks nobody else; None of one that does."""
    if isinstance(gate, SuccessGate):
        return judge_success(gate, window)
    if isinstance(gate, RefusalGate):
        return judge_refusals(gate, window)
    if isinstance(gate, LatencyGate):
        return judge_latency(gate, window)
    if isinstance(gate, RestartGate):
        return judge_lives(gate, lives)
    return None


def judge_success(gate: SuccessGate, window: Window) -> Verdict:
    """By intervals of 99 %, whose ends must lie beyond what is allowed: a candidate that may be as good as the stable side
    never fails for being below the floor."""
    candidate = window.candidate
    stable, called = window.compared(gate.samples)
    text = f"success {percent(candidate.success)} of {candidate.requests} requests ({candidate.failures} failed)"
    text += f", {called} {percent(stable.success)} of {stable.requests}" if stable is not None else ""
    blatant = candidate.failures >= max(ENOUGH_FAILURES, candidate.requests / 2)
    early = stable is None and candidate.requests < _ALONE * window.stable.requests
    if blatant or (candidate.requests >= gate.samples and not early):
        fault = _less(gate, candidate, stable)
        if fault:
            return verdict(gate, Outcome.FAIL, f"{text}: {fault}")
    if candidate.requests < gate.samples or early:
        return verdict(gate, Outcome.INCONCLUSIVE, f"{text}; too few requests, {gate.samples} say something")
    return verdict(gate, Outcome.PASS, text, sure=_surely_good(gate, candidate, stable))


def _surely_good(gate: SuccessGate, candidate: Counts, stable: Counts | None) -> bool:
    """Whether it is surely not worse than it may be."""
    if stable is None:
        return wilson(*candidate.good, LIKELY)[0] >= gate.floor
    return at_most_more(stable.good, candidate.good, LIKELY) <= gate.margin


def _less(gate: SuccessGate, candidate: Counts, stable: Counts | None) -> str:
    """What is wrong with the candidate's success; empty where nothing surely is."""
    most = wilson(*candidate.good)[1]
    if stable is None:
        return f"at most {percent(most)}, needs {percent(gate.floor)}" if most < gate.floor else ""
    more = at_most_more(candidate.good, stable.good)
    if more < -gate.margin:
        return f"at least {percent(-more)} less, may be {percent(gate.margin)}"
    if more < 0 and most < gate.floor <= stable.success:
        return f"less, and at most {percent(most)}, needs {percent(gate.floor)}"
    return ""


def judge_refusals(gate: RefusalGate, window: Window) -> Verdict:
    """By the interval of the difference to the stable side."""
    candidate = window.candidate
    stable, called = window.compared(gate.samples)
    if stable is None or candidate.requests < gate.samples:
        return few(gate, candidate.requests, gate.samples, stable)
    share, usual = candidate.refusals / candidate.requests, stable.refusals / stable.requests
    text = f"4xx {percent(share)} of {candidate.requests} requests, {called} {percent(usual)} of {stable.requests}"
    least = -at_most_more((stable.refusals, stable.requests), (candidate.refusals, candidate.requests))
    if least > gate.margin:
        return verdict(gate, Outcome.FAIL, f"{text}: at least {percent(least)} more, may be {percent(gate.margin)}")
    most = at_most_more((candidate.refusals, candidate.requests), (stable.refusals, stable.requests), LIKELY)
    return verdict(gate, Outcome.PASS, text, sure=most <= gate.margin)


def judge_lives(gate: RestartGate, lives: Iterable[Life]) -> Verdict:
    """Each restart, exit and kill counts once."""
    told = tuple(lives)
    count = sum(each.restarts + (each.exited is not None) for each in told)
    count += sum(each.out_of_memory and not each.restarts and each.exited is None for each in told)
    if count > gate.allowed:
        return verdict(gate, Outcome.FAIL, "; ".join(filter(None, map(_death, told))))
    return verdict(gate, Outcome.PASS, f"{count} restarts of {len(told)} containers")


def judge_samples(gate: QueryGate, samples: Iterable[Sample]) -> Verdict:
    """Every series must hold the condition; one that is no number or too old says nothing, and then they all say nothing."""
    told = tuple(samples)
    wanted = f"needs {gate.operator} {gate.limit:g}"
    if not told:
        return verdict(gate, Outcome.INCONCLUSIVE, f"the query found no samples; {wanted}")
    unknown = [each for each in told if isnan(each.value) or each.age > gate.stale_seconds]
    unfit = [each for each in told if each not in unknown and not _HOLDS[gate.operator](each.value, gate.limit)]
    if unfit:
        return verdict(gate, Outcome.FAIL, f"{_series(gate, unfit)}; {wanted}")
    outcome = Outcome.INCONCLUSIVE if unknown else Outcome.PASS
    return verdict(gate, outcome, f"{_series(gate, unknown or told)}; {wanted}")


def _death(life: Life) -> str:
    said = []
    if life.restarts:
        said.append(f"restarted {life.restarts} {'time' if life.restarts == 1 else 'times'}")
    if life.exited is not None:
        said.append(f"exited with status {life.exited}")
    if life.out_of_memory:
        said.append("ran out of memory")
    return f"{life.name} {', '.join(said)}" if said else ""


def _series(gate: QueryGate, samples: Iterable[Sample]) -> str:
    told = [_sample(each, gate.stale_seconds) for each in samples]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return ", ".join(told[:3]) + more


def _sample(sample: Sample, stale_seconds: float) -> str:
    old = f", {duration(sample.age)} old" if sample.age > stale_seconds else ""
    return f"{sample.series or 'it'} is {sample.value:g}{old}"
