"""How a service is scaled by itself, as its containers say it: labels `aliyun.auto_scaling.*`, `tidegate.auto_scaling.*`. Pure.

    max_cpu, min_cpu, max_memory, min_memory            percent          step, min_instances, max_instances
    max_internetInRate, ... min_internetOutRate         bytes/s          period, periods
    target_cpu, target_memory, target_requests, target_in_flight, target_p95, target_query + target_query_value
    scale_in on|off, out_window_seconds, in_window_seconds

One wrong word makes all of it wrong: a bound that is missing by mistake would scale a service without end. The container
serves all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tidegate.elasticity import PERCENTAGES, Bound, Metric, ScalingPolicy, Target
from tidegate.settings.fault import Fault, shown
from tidegate.settings.kinds import Kind, choice, decimal, line, size, whole

TOP = "auto_scaling"
MISPRINTED = tuple(f"aliyun.auto.scaling.{edge}_internet{way}Rate" for edge in ("max", "min") for way in ("In", "Out"))
_BOUNDED = (Metric.CPU, Metric.MEMORY, Metric.RECEIVED, Metric.SENT)
_PERCENT, _RATE = decimal(0, 6400), size(1 << 44)
_EDGES: dict[str, Kind] = {
    f"{edge}_{metric.value}": _PERCENT if metric in PERCENTAGES else _RATE
    for metric in _BOUNDED
    for edge in ("max", "min")
}
_TARGETS: dict[str, Kind] = {
    "target_cpu": decimal(1, 6400),
    "target_memory": decimal(1, 100),
    "target_requests": decimal(0.01, 1e6),
    "target_in_flight": decimal(0.01, 1e6),
    "target_p95": decimal(0.001, 300),
    "target_query": line(1024),
    "target_query_value": decimal(0.000001, 1e8),
}
_NUMBERS: dict[str, tuple[str, Kind]] = {
    "step": ("step", whole(1, 100)),
    "min_instances": ("least", whole(0, 1000)),
    "max_instances": ("most", whole(1, 1000)),
    "period": ("period_seconds", decimal(1, 3600)),
}
_OWN_NUMBERS: dict[str, tuple[str, Kind]] = {
    "periods": ("periods", whole(1, 100)),
    "scale_in": ("scale_in", choice("on", "off", make=lambda word: word == "on")),
    "out_window_seconds": ("out_window_seconds", decimal(0, 3600)),
    "in_window_seconds": ("in_window_seconds", decimal(0, 3600)),
}
_ALL_NUMBERS = _NUMBERS | _OWN_NUMBERS
_GAP = 30.0  # percent between the bounds: what the original's console asked for
_BELOW, _LOWEST, _HIGHEST = 40.0, 10.0, 50.0  # the bound that nobody said: 70 gives 30, as in the original's samples
_SHARE = 0.4  # the same for rates

Say = Callable[[str, str, Fault], None]  # code, word, what is wrong


class Wanted(Struct, frozen=True, kw_only=True):
    """What was understood, None where nothing is to be done; errors and warnings as (code, word, fault)."""

    policy: ScalingPolicy | None = None
    errors: tuple[tuple[str, str, Fault], ...] = ()
    warnings: tuple[tuple[str, str, Fault], ...] = ()


def scaling_names(prefix: str) -> tuple[str, ...]:
    """Every word after `auto_scaling.`; the original language (`aliyun`) has fewer."""
    original = (*_EDGES, *_NUMBERS)
    return original if prefix == "aliyun" else (*original, *_TARGETS, *_OWN_NUMBERS)


def read_scaling(given: Mapping[str, str]) -> Wanted:
    """Read known words (without `auto_scaling.`) and their texts."""
    values: dict[str, Any] = {}
    errors: list[tuple[str, str, Fault]] = []
    warnings: list[tuple[str, str, Fault]] = []
    for word, text in given.items():
        value = _kind(word).read(text)
        if isinstance(value, Fault):
            errors.append(("T2400", word, value))
        else:
            values[word] = value
    if not errors:
        errors += [("T2401", word, fault) for word, fault in _contradictions(values)]
    if errors or not values:
        return Wanted(errors=tuple(errors))
    policy = _policy(values, lambda code, word, fault: warnings.append((code, word, fault)))
    return Wanted(policy=policy, warnings=tuple(warnings))


def _kind(word: str) -> Kind:
    return _EDGES.get(word) or _TARGETS.get(word) or _ALL_NUMBERS[word][1]


def _contradictions(values: Mapping[str, Any]) -> list[tuple[str, Fault]]:
    """What cannot be meant together."""
    found = []
    least, most = values.get("min_instances", 1), values.get("max_instances", 10)
    if least > most:
        word = "max_instances" if "max_instances" in values else "min_instances"
        found.append((word, Fault(f"at least {least} and at most {most} replicas leave no choice", "swap the two")))
    for metric in _BOUNDED:
        high, low = values.get(f"max_{metric.value}"), values.get(f"min_{metric.value}")
        if high is not None and low is not None and low >= high:
            text = f"min_{metric.value} {low:g} is not below max_{metric.value} {high:g}"
            found.append((f"min_{metric.value}", Fault(text, f"leave {_GAP:g} between them")))
        if high == 0:
            found.append((f"max_{metric.value}", Fault("a bound of 0 is always passed", "write a number above 0")))
    for one, other in (("target_query", "target_query_value"), ("target_query_value", "target_query")):
        if one in values and other not in values:
            found.append((one, Fault(f"{one} without {other} says nothing", f"set {TOP}.{other} beside it")))
    return found


def _policy(values: Mapping[str, Any], warn: Say) -> ScalingPolicy | None:
    targets = _targets(values)
    bounds = [word for word in _EDGES if word in values]
    if not targets and not bounds:
        fault = Fault("no bound and no target is set, so this has no effect", f"set {TOP}.max_cpu or {TOP}.target_cpu")
        warn("T2404", next(iter(values)), fault)
        return None
    if targets:
        for word in (*bounds, *(word for word in ("step", "period", "periods") if word in values)):
            warn("T2404", word, Fault("a target is set, so this has no effect", "use bounds or targets, not both"))
    fields = {name: values[word] for word, (name, _) in _ALL_NUMBERS.items() if word in values}
    policy = ScalingPolicy(**fields, targets=targets)
    return policy if targets else _with_bounds(policy, values, warn)


def _targets(values: Mapping[str, Any]) -> tuple[Target, ...]:
    metrics = (Metric.CPU, Metric.MEMORY, Metric.REQUESTS, Metric.IN_FLIGHT, Metric.P95)
    words = {f"target_{each.value}": each for each in metrics}
    found = [Target(metric=metric, value=values[word]) for word, metric in words.items() if word in values]
    if "target_query" in values:
        query = values["target_query"]
        found.append(Target(metric=Metric.QUERY, value=values["target_query_value"], query=query))
    return tuple(found)


def _with_bounds(policy: ScalingPolicy, values: Mapping[str, Any], warn: Say) -> ScalingPolicy:
    bounds = tuple(
        _bound(metric, values, policy, warn)
        for metric in _BOUNDED
        if f"max_{metric.value}" in values or f"min_{metric.value}" in values
    )
    if {Metric.CPU, Metric.MEMORY} <= {each.metric for each in bounds}:
        text = "bounds of CPU and of memory stand together: replicas leave only when both are below"
        warn("T2405", "max_memory" if "max_memory" in values else "min_memory", Fault(text, "use one of the two"))
    return ScalingPolicy(**{name: getattr(policy, name) for name in policy.__struct_fields__} | {"bounds": bounds})


def _bound(metric: Metric, values: Mapping[str, Any], policy: ScalingPolicy, warn: Say) -> Bound:
    high, low = values.get(f"max_{metric.value}"), values.get(f"min_{metric.value}")
    assumed = False
    if not policy.scale_in:
        low = None
    elif high is None:
        text = f"without max_{metric.value} replicas only ever leave for this reason"
        warn("T2404", f"min_{metric.value}", Fault(text, f"set {TOP}.max_{metric.value} beside it"))
    elif low is None:
        low, assumed = missing_low(metric, high), True
        text = f"min_{metric.value} is not set: replicas leave below {low:g}"
        warn("T2403", f"max_{metric.value}", Fault(text, f"set {TOP}.min_{metric.value}, or {TOP}.scale_in to off"))
    elif metric in PERCENTAGES and high - low < _GAP:
        text = f"only {high - low:g} lie between min_{metric.value} and max_{metric.value}"
        warn("T2402", f"min_{metric.value}", Fault(text, f"leave {_GAP:g}, or it scales in and out by turns"))
    return Bound(metric=metric, high=high, low=low, assumed=assumed)


def missing_low(metric: Metric, high: float) -> float:
    """The lower bound where only the upper one is said."""
    if metric not in PERCENTAGES:
        return float(int(high * _SHARE))
    low = min(max(high - _BELOW, _LOWEST), _HIGHEST)
    return low if high >= 2 * _LOWEST else high / 2


def word_of(label: str) -> str:
    """What a label says of its service's scaling, without `auto_scaling.`; empty for other labels."""
    if label in MISPRINTED:
        return label.removeprefix("aliyun.auto.scaling.")
    prefix, dot, word = label.partition(f".{TOP}.")
    return word if dot and prefix in ("aliyun", "tidegate") and word in scaling_names(prefix) else ""


def misprint(label: str) -> Fault:
    """What is said of a name as the original's own documentation misprints it."""
    right = label.replace("auto.scaling", TOP)
    return Fault(f"{shown(label)} is a misprint of the original's documentation", f"write {right}")
