"""Gates that ask Prometheus, or what speaks its HTTP API: one instant query each, and one for the
age of what it found.

That nothing was found, or what was found is no number, says nothing and is *inconclusive*. That it could not be asked is an
*error*. Neither is taken for success, nor for a failure of the candidate.
"""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from tidegate.config import ReleasesConfig
from tidegate.control.asking import Asking
from tidegate.control.outgoing import Answer, Outgoing
from tidegate.release.gates import STALE_SECONDS, Outcome, QueryGate, Verdict
from tidegate.release.judge import Sample, judge_samples
from tidegate.value import Value

_PATH = "/api/v1/query"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_UNSAFE = re.compile(r"[^A-Za-z0-9_./:@ \x80-\U0010ffff-]")
_NAMED = re.compile(r"\$(service|candidate|stable|window)\b")


class Told(Value):
    """The body of an answer; unknown members are left out."""

    status: str
    data: Found | None = None
    errorType: str = ""  # noqa: N815  the API's word
    error: str = ""


class Found(Value):
    """`result` is a list of series for a vector, a pair of time and value for a scalar."""

    resultType: str  # noqa: N815  the API's word
    result: list[Any]


class Series(Value):
    """One element of a vector."""

    value: tuple[float, str]
    metric: dict[str, str] = {}


class Prometheus:
    """Asks the Prometheus of the configuration, or the gate's own."""

    def __init__(self, outgoing: Outgoing, config: ReleasesConfig) -> None:
        self._outgoing = outgoing
        self._url = config.prometheus
        self._headers = {name: value for name, _, value in (each.partition("=") for each in config.prometheus_headers)}
        self._seconds = config.query_timeout_seconds

    async def ask(self, gate: QueryGate, asking: Asking) -> Verdict:
        """The verdict of one gate, within twice the time for a query."""
        if not (gate.url or self._url):
            return _error(gate, "no Prometheus is set (releases.prometheus)")
        query = filled(gate.query, asking)
        found = read(await self._post(gate.url, query, gate.stale_seconds))
        if isinstance(found, str):
            return _error(gate, found)
        if any(each.series for each in found):  # what has no name and no label was computed now
            times = read(await self._post(gate.url, f"timestamp({query}\n)", gate.stale_seconds))
            if isinstance(times, str):
                return _error(gate, times)
            found = aged(found, times)
        return judge_samples(gate, found)

    async def value(self, query: str) -> float | str:
        """The number that an expression gives now, the sum where it gives several; in words why there is none."""
        if not self._url:
            return "no Prometheus is set (releases.prometheus)"
        found = read(await self._post("", query, STALE_SECONDS))
        if isinstance(found, str):
            return found
        total = sum(each.value for each in found)
        return total if found and math.isfinite(total) else "it gives no number"

    async def _post(self, url: str, query: str, stale_seconds: float) -> Answer:
        form = {
            "query": query,
            "timeout": f"{self._seconds:g}s",
            # How far back an instant selector looks. Older servers do not know it and look back for their own 5 minutes.
            "lookback_delta": f"{stale_seconds:g}s",
        }
        # Headers of the configuration are for the server of the configuration: they hold its password.
        headers = {**_FORM, **({} if url else self._headers)}
        where = (url or self._url).rstrip("/") + _PATH
        return await self._outgoing.post(where, urlencode(form).encode(), headers, self._seconds)


def filled(query: str, asking: Asking) -> str:
    """The query with `$service`, `$candidate`, `$stable` and `$window` replaced, as they must stand within PromQL's
    strings, be they in single or double quotes."""
    values = {
        "service": asking.service,
        "candidate": asking.candidate,
        "stable": asking.stable,
        "window": f"{max(1, round(asking.window.seconds))}s",
    }
    return _NAMED.sub(lambda found: _UNSAFE.sub(_hexadecimal, values[found[1]]), query)


def read(answer: Answer) -> list[Sample] | str:
    """The samples of an answer, or in words why there are none to be had."""
    if answer.fault:
        return answer.fault
    try:
        told = msgspec.json.decode(answer.body, type=Told)
        if told.status != "success" or told.data is None:
            return f"{told.errorType or 'error'}: {told.error}"
        samples = _samples(told.data)
    except (ValueError, TypeError):
        return f"no answer of a Prometheus: {answer.says} (HTTP {answer.status})"
    return f"the query gives a {told.data.resultType}, not a number per series" if samples is None else samples


def aged(samples: list[Sample], times: list[Sample]) -> list[Sample]:
    """The samples with their ages, by what `timestamp` says of the same query: of a selector the time of its sample, of every
    other expression the time of asking."""
    sampled = {_unnamed(each.series): each.value for each in times}
    return [replace(each, age=max(0.0, each.at - sampled.get(_unnamed(each.series), each.at))) for each in samples]


def _samples(found: Found) -> list[Sample] | None:
    """None for what has no number at one time. Raises ValueError for what is not as it should be."""
    if found.resultType == "scalar":
        at, value = msgspec.convert(found.result, tuple[float, str])
        return [Sample(series="", value=float(value), at=at)]
    if found.resultType != "vector":
        return None
    series = msgspec.convert(found.result, list[Series])
    return [Sample(series=_labels(each.metric), value=float(each.value[1]), at=each.value[0]) for each in series]


def _unnamed(series: str) -> str:
    """A series without the metric's name, which no function leaves."""
    return series.partition("{")[2]


def _labels(metric: dict[str, str]) -> str:
    """As Prometheus writes a series."""
    name = metric.get("__name__", "")
    pairs = ", ".join(f'{key}="{_escaped(value)}"' for key, value in sorted(metric.items()) if key != "__name__")
    return f"{name}{{{pairs}}}" if pairs else name


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _hexadecimal(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _error(gate: QueryGate, text: str) -> Verdict:
    return Verdict(gate=gate.name, outcome=Outcome.ERROR, text=text)
