"""Gates and what was seen, to verdicts. Thresholds and why they are so: docs/decisions/0149-gates-by-what-is-sure.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, isnan
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
from tidegate.release.samples import Counts, Window, above, at_most_more, mean, quantile_bound, surely_slower, wilson
from tidegate.value import Value

#: So many failures, if they are half of all, may fail a candidate before it has requests enough to pass. After as many a
#: worker leaves an endpoint out, and more would never be seen.
ENOUGH_FAILURES = 5
_SLOWEST = 0.01
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
    """By intervals of 95 %, whose ends must lie beyond what is allowed: a candidate that may be as good as the stable side
    never fails for being below the floor."""
    candidate = window.candidate
    stable, called = window.compared(gate.samples)
    text = f"success {_percent(candidate.success)} of {candidate.requests} requests ({candidate.failures} failed)"
    text += f", {called} {_percent(stable.success)} of {stable.requests}" if stable is not None else ""
    blatant = candidate.failures >= max(ENOUGH_FAILURES, candidate.requests / 2)
    if blatant or candidate.requests >= gate.samples:
        fault = _less(gate, candidate, stable)
        if fault:
            return _verdict(gate, Outcome.FAIL, f"{text}: {fault}")
    return _enough(gate, candidate.requests, gate.samples, text)


def _less(gate: SuccessGate, candidate: Counts, stable: Counts | None) -> str:
    """What is wrong with the candidate's success; empty where nothing surely is."""
    most = wilson(*candidate.good)[1]
    if stable is None:
        return f"at most {_percent(most)}, needs {_percent(gate.floor)}" if most < gate.floor else ""
    more = at_most_more(candidate.good, stable.good)
    if more < -gate.margin:
        return f"at least {_percent(-more)} less, may be {_percent(gate.margin)}"
    if more < 0 and most < gate.floor <= stable.success:
        return f"less, and at most {_percent(most)}, needs {_percent(gate.floor)}"
    return ""


def judge_refusals(gate: RefusalGate, window: Window) -> Verdict:
    """By the interval of the difference to the stable side."""
    candidate = window.candidate
    stable, called = window.compared(gate.samples)
    if stable is None or candidate.requests < gate.samples:
        return _few(gate, candidate.requests, gate.samples, stable)
    share, usual = candidate.refusals / candidate.requests, stable.refusals / stable.requests
    text = f"4xx {_percent(share)} of {candidate.requests} requests, {called} {_percent(usual)} of {stable.requests}"
    least = -at_most_more((stable.refusals, stable.requests), (candidate.refusals, candidate.requests))
    if least > gate.margin:
        return _verdict(gate, Outcome.FAIL, f"{text}: at least {_percent(least)} more, may be {_percent(gate.margin)}")
    return _verdict(gate, Outcome.PASS, text)


def judge_latency(gate: LatencyGate, window: Window) -> Verdict:
    """The first rule that is broken, or the numbers of all."""
    candidate, bounds = window.candidate, window.bounds
    stable, called = window.compared(gate.samples)
    if candidate.answered < gate.samples:
        return _few(gate, candidate.answered, gate.samples, candidate)
    if gate.limit_seconds:
        limit = next((bound for bound in bounds if bound >= gate.limit_seconds), inf)
        late, at_least = _late(candidate, bounds, limit)
        if at_least > _SLOWEST:
            text = f"{late} of {candidate.answered} requests took longer than the limit of {_time(limit)}"
            return _verdict(gate, Outcome.FAIL, f"{text}: p99 lies above it")
    if stable is None or stable.answered < gate.samples:
        return _few(gate, candidate.answered, gate.samples, None)
    return _against(gate, window, stable, called)


def _against(gate: LatencyGate, window: Window, stable: Counts, called: str) -> Verdict:
    """The two rules that compare."""
    candidate, bounds = window.candidate, window.bounds
    usual, now = mean(stable), mean(candidate)
    means = f"mean {_time(now)} of {candidate.answered} requests, {called} {_time(usual)} of {stable.answered}"
    slower = surely_slower(candidate, stable, bounds, gate.mean_ratio)
    if slower and now - usual > gate.mean_slower_seconds:
        return _verdict(gate, Outcome.FAIL, f"{means}: more than {gate.mean_ratio:g} times as long")
    p99 = quantile_bound(stable, bounds, 1 - _SLOWEST)
    allowed = max(p99 * gate.ratio, p99 + gate.slower_seconds)
    bound = next((each for each in bounds if each >= allowed), inf)
    text = f"{means}; p99 {_within(candidate, bounds)}, {called} {_within(stable, bounds)}"
    if bound < inf:
        late, at_least = _late(candidate, bounds, bound)
        _, usually = wilson(above(stable, bounds, bound), stable.answered)
        if at_least > max(_SLOWEST, usually):
            return _verdict(
                gate, Outcome.FAIL, f"{text}; {late} of {candidate.answered} took longer than {_time(bound)}"
            )
    return _verdict(gate, Outcome.PASS, text)


def judge_lives(gate: RestartGate, lives: Iterable[Life]) -> Verdict:
    """Each restart, exit and kill counts once."""
    told = tuple(lives)
    count = sum(each.restarts + (each.exited is not None) for each in told)
    count += sum(each.out_of_memory and not each.restarts and each.exited is None for each in told)
    if count > gate.allowed:
        return _verdict(gate, Outcome.FAIL, "; ".join(filter(None, map(_death, told))))
    return _verdict(gate, Outcome.PASS, f"{count} restarts of {len(told)} containers")


def judge_samples(gate: QueryGate, samples: Iterable[Sample]) -> Verdict:
    """Every series must hold the condition; one that is no number or too old says nothing, and then they all say nothing."""
    told = tuple(samples)
    wanted = f"needs {gate.operator} {gate.limit:g}"
    if not told:
        return _verdict(gate, Outcome.INCONCLUSIVE, f"the query found no samples; {wanted}")
    unknown = [each for each in told if isnan(each.value) or each.age > gate.stale_seconds]
    unfit = [each for each in told if each not in unknown and not _HOLDS[gate.operator](each.value, gate.limit)]
    if unfit:
        return _verdict(gate, Outcome.FAIL, f"{_series(gate, unfit)}; {wanted}")
    outcome = Outcome.INCONCLUSIVE if unknown else Outcome.PASS
    return _verdict(gate, outcome, f"{_series(gate, unknown or told)}; {wanted}")


def _enough(gate: Gate, requests: int, samples: int, text: str) -> Verdict:
    if requests < samples:
        return _verdict(gate, Outcome.INCONCLUSIVE, f"{text}; too few requests, {samples} say something")
    return _verdict(gate, Outcome.PASS, text)


def _few(gate: Gate, requests: int, samples: int, stable: Counts | None) -> Verdict:
    text = f"{requests} requests of the candidate"
    if stable is None and requests >= samples:
        text += " and too few of the stable side to compare with"
    return _verdict(gate, Outcome.INCONCLUSIVE, f"{text}; {samples} say something")


def _verdict(gate: Gate, outcome: Outcome, text: str) -> Verdict:
    return Verdict(gate=gate.name, outcome=outcome, text=text)


def _late(counts: Counts, bounds: tuple[float, ...], bound: float) -> tuple[int, float]:
    """How many took longer than a bound, and the least share of all that they surely are."""
    late = above(counts, bounds, bound) if bound < inf else 0
    return late, wilson(late, counts.answered)[0]


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
    old = f", {_time(sample.age)} old" if sample.age > stale_seconds else ""
    return f"{sample.series or 'it'} is {sample.value:g}{old}"


def _within(counts: Counts, bounds: tuple[float, ...]) -> str:
    bound = quantile_bound(counts, bounds, 1 - _SLOWEST)
    return f"within {_time(bound)}" if bound < inf else f"above {_time(bounds[-1])}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _time(seconds: float) -> str:
    if seconds >= 100:
        return f"{seconds:.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
