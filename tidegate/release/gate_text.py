"""Gates as people write them, one line each: `--gate` of the command, `gates` of the API, and `tidegate.release.gate.*` labels.

success 99.5%                  success floor=99.5% margin=0.5% samples=200
refusals margin=2%             latency ratio=1.5 slower=100ms mean=2 limit=300ms
restarts 1                     latency off
query errors: sum(rate(app_errors_total{version="$candidate"}[1m])) < 0.05
hook load-test: https://ci.example/gate
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from tidegate.release.gates import (
    DEFAULT_GATES,
    Gate,
    HookGate,
    LatencyGate,
    QueryGate,
    RefusalGate,
    RestartGate,
    SuccessGate,
)

KINDS = ("success", "refusals", "latency", "restarts", "query", "hook")
OFF = "off"
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_CONDITION = re.compile(r"(?P<query>.*\S)\s*(?P<operator><=|>=|==|!=|<|>)\s*(?P<limit>[-+.\w]+)", re.DOTALL)
_TIME = re.compile(r"(?P<number>[0-9.]+)(?P<unit>ms|s)?")
_MAX_QUERY = 4096


def gates_of(lines: Iterable[str]) -> tuple[Gate, ...]:
    """The default gates, with those that lines speak of replaced or (`latency off`) left out, and the others added.

    Raises ValueError with one sentence per line that is no gate."""
    gates = {each.name: each for each in DEFAULT_GATES}
    faults = []
    for line in lines:
        try:
            name, gate = _read(line)
        except ValueError as fault:
            faults.append(f"{line!r}: {fault}")
            continue
        if gate is None:
            gates.pop(name, None)
        else:
            gates[name] = gate
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(gates.values())


def gate_of(line: str) -> Gate | None:
    """The gate of one line; None for one that switches a gate off. Raises ValueError."""
    return _read(line)[1]


def line_of(name: str, bound: str) -> str:
    """The line of a gate that a label names: `success` and `99.5%`, `query.errors` and `EXPRESSION < NUMBER`."""
    kind, _, label = name.partition(".")
    return f"{kind} {label}: {bound}" if label else f"{kind} {bound}"


def text_of(gate: Gate) -> str:
    """The line that gives this gate; only what differs from the default is said."""
    if isinstance(gate, QueryGate):
        return f"query {gate.label}: {gate.query} {gate.operator} {gate.limit:g}"
    if isinstance(gate, HookGate):
        return f"hook {gate.label}: {gate.url}"
    kind = gate.name
    usual = type(gate)()
    said = [
        f"{word}={_written(getattr(gate, field), read)}"
        for word, (field, read) in _FIELDS[kind].items()
        if getattr(gate, field) != getattr(usual, field)
    ]
    return " ".join((kind, *said))


def _read(line: str) -> tuple[str, Gate | None]:
    """Name and gate of a line."""
    kind, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if kind not in KINDS:
        raise ValueError(f"a gate begins with one of {', '.join(KINDS)}")
    if kind in ("query", "hook"):
        return _read_asked(kind, rest)
    if rest == OFF:
        return kind, None
    return kind, _MADE[kind](**_options(kind, rest))


def _read_asked(kind: str, rest: str) -> tuple[str, Gate | None]:
    """A gate that asks somebody, with a label of its own."""
    label, colon, asked = rest.partition(":")
    label, asked = label.strip(), asked.strip()
    if not colon or not _LABEL.fullmatch(label):
        raise ValueError(f"write {kind} NAME: {'EXPRESSION < NUMBER' if kind == 'query' else 'URL'}")
    if asked == OFF:
        return f"{kind} {label}", None
    gate = _query(label, asked) if kind == "query" else HookGate(label=label, url=_url(asked))
    return gate.name, gate


def _query(label: str, asked: str) -> QueryGate:
    """The condition is taken off the query's end: within PromQL it would be a filter, and what fails it just not there."""
    found = _CONDITION.fullmatch(asked)
    if found is None:
        raise ValueError("a query ends with its condition, such as < 0.05")
    if len(asked) > _MAX_QUERY:
        raise ValueError(f"a query has at most {_MAX_QUERY} characters")
    return QueryGate(label=label, query=found["query"], operator=found["operator"], limit=_number(found["limit"]))


def _options(kind: str, rest: str) -> dict[str, Any]:
    fields = _FIELDS[kind]
    options = {}
    for word in rest.split():
        name, equals, value = word.partition("=")
        if not equals:  # one bare value is the first field's
            name, value = next(iter(fields)), word
        if name not in fields:
            raise ValueError(f"{kind} knows {', '.join(fields)}, not {name}")
        field, read = fields[name]
        if field in options:
            raise ValueError(f"{name} is said twice")
        options[field] = read(value)
    return options


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"{text} is not a number")
    return number


def _share(text: str) -> float:
    number = _number(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= number <= 1:
        raise ValueError(f"{text} is not a share such as 99.5% or 0.995")
    return number


def _factor(text: str) -> float:
    number = _number(text)
    if not 1 <= number <= 100:
        raise ValueError(f"{text} is not a factor from 1 to 100")
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(f"{text} is not a whole number")
    return int(text)


def _samples(text: str) -> int:
    number = _whole(text)
    if not number:
        raise ValueError("no requests at all say nothing")
    return number


def _time(text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not a time such as 50ms or 0.5s")
    return _number(found["number"]) * (0.001 if found["unit"] == "ms" else 1.0)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isprintable() or " " in text:
        raise ValueError("a hook is http://... or https://...")
    return text


def _written(value: float, read: Callable[[str], float]) -> str:
    if read is _share:
        return f"{100 * value:.12g}%"
    return f"{1000 * value:.12g}ms" if read is _time else f"{value:.12g}"


_MADE: dict[str, Callable[..., Gate]] = {
    "success": SuccessGate,
    "refusals": RefusalGate,
    "latency": LatencyGate,
    "restarts": RestartGate,
}
_FIELDS: dict[str, dict[str, tuple[str, Callable[[str], float]]]] = {
    "success": {"floor": ("floor", _share), "margin": ("margin", _share), "samples": ("samples", _samples)},
    "refusals": {"margin": ("margin", _share), "samples": ("samples", _samples)},
    "latency": {
        "ratio": ("ratio", _factor),
        "slower": ("slower_seconds", _time),
        "mean": ("mean_ratio", _factor),
        "mean-slower": ("mean_slower_seconds", _time),
        "limit": ("limit_seconds", _time),
        "samples": ("samples", _samples),
    },
    "restarts": {"allowed": ("allowed", _whole)},
}
