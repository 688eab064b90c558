"""Figures in words, for events and for `show`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tidegate.elasticity import PERCENTAGES, Bound, Metric, ScalingPolicy, Target

_NAMES = {
    Metric.CPU: "CPU",
    Metric.MEMORY: "memory",
    Metric.RECEIVED: "received",
    Metric.SENT: "sent",
    Metric.REQUESTS: "requests",
    Metric.IN_FLIGHT: "in flight",
    Metric.P95: "p95",
    Metric.QUERY: "the query",
}
_UNITS = ("B/s", "KiB/s", "MiB/s", "GiB/s")


def name(metric: Metric) -> str:
    """What a metric is called."""
    return _NAMES[metric]


def amount(metric: Metric, value: float) -> str:
    """A figure with its unit: `83.4 %`, `1.2 MiB/s`, `12.5/s`, `0.250 s`."""
    if metric in PERCENTAGES:
        return f"{_short(value)} %"
    if metric in (Metric.RECEIVED, Metric.SENT):
        return _rate(value)
    if metric is Metric.REQUESTS:
        return f"{_short(value)}/s"
    return f"{value:.3f} s" if metric is Metric.P95 else _short(value)


def figure(metric: Metric, value: float) -> str:
    """`CPU 83.4 %`."""
    return f"{name(metric)} {amount(metric, value)}"


def figures(values: Mapping[Metric, float]) -> dict[str, float]:
    """For who shows them: by the labels' words, rounded."""
    return {metric.value: round(value, 4) for metric, value in values.items()}


def replicas(number: int) -> str:
    """`1 replica`, `2 replicas`."""
    return f"{number} replica{'' if number == 1 else 's'}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _rate(value: float) -> str:
    power = 0
    while value >= 1024 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{_short(value)} {_UNITS[power]}"


def rule(policy: ScalingPolicy) -> tuple[str, ...]:
    """What a policy says, a line for each bound or target."""
    if policy.targets:
        return tuple(_aim(each) for each in policy.targets)
    long = f"{policy.periods} periods of {policy.period_seconds:g} s"
    return tuple(line for each in policy.bounds for line in _sides(each, policy.step, long))


def _aim(target: Target) -> str:
    each = "" if target.metric is Metric.P95 else " for each replica"
    query = f", {target.query}" if target.query else ""
    return f"as many as bring {name(target.metric)} to {amount(target.metric, target.value)}{each}{query}"


def _sides(bound: Bound, step: int, long: str) -> Iterator[str]:
    if bound.high is not None:
        yield f"{step} more when {name(bound.metric)} is above {amount(bound.metric, bound.high)} for {long}"
    if bound.low is not None:
        yield f"{step} fewer when {name(bound.metric)} is below {amount(bound.metric, bound.low)} for {long}"
