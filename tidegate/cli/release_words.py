"""A release as the command shows it: its steps, its replicas, its gates, what it waits for. Pure; from what the admin API says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.cli import words

MARKS = {"pass": "ok", "fail": "FAILED", "inconclusive": "unsure", "error": "error"}
COMPLETE = "complete"
ENDED = (COMPLETE, "rolled-back", "failed")
WAITING = "awaiting-confirm"


def title(told: Mapping[str, Any]) -> str:
    """`release 3 of shop/web: canary from v1 to v2`."""
    spec = told["release"]["spec"]
    sides = f"from {_called(spec['stable'])} to {_called(spec['candidate'])}"
    return f"release {told['number']} of {told['service']}: {spec['strategy']} {sides}"


def steps(told: Mapping[str, Any]) -> str:
    """`done 5% · done 10% · NOW 25% · 50% · 100%`: where it is in its steps."""
    release = told["release"]
    shown = []
    for index, step in enumerate(release["spec"]["steps"]):
        share = f"{step['share']}%"
        if index < release["step"] or release["state"] == COMPLETE:
            share = f"done {share}"
        elif index == release["step"] and told["state"] not in ENDED:
            share = f"NOW {share}"
        shown.append(share)
    return " · ".join(shown)


def replicas(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """One row a side: version, `2/3 ready`, percent of the traffic."""
    release, spec = told["release"], told["release"]["spec"]
    share = float(release["share"])
    rows = []
    for side, percent in (("stable", 100 - share), ("candidate", share)):
        containers = [each for each in told["seen"][side] if each["state"] != "stopped"]
        ready = sum(bool(each["ready"]) for each in containers)
        rows.append((_called(spec[side]), f"{ready}/{len(containers)} ready", f"{percent:g}%"))
    return rows


def gates(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """One row a gate that was asked: its name, its verdict, its numbers."""
    verdicts: Sequence[Mapping[str, Any]] = told["seen"]["verdicts"]
    return [(each["gate"], MARKS.get(each["outcome"], each["outcome"]), each["text"]) for each in verdicts]


def fetches(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """One row an image that is fetched: its name, the engine that fetches it, and how far that is."""
    return [(str(each["image"]), str(each["node"]), fetched(each)) for each in told["seen"].get("fetches", ())]


def fetched(row: Mapping[str, Any]) -> str:
    """`2 of 5 layers, 12.0 MB of 31.4 MB`, or the engine's own words before it names a layer."""
    if not row["layers"]:
        return str(row["said"])
    layers = f"{row['layers_done']} of {words.count(row['layers'], 'layer')}"
    return f"{layers}, {words.size(row['done_bytes'])} of {words.size(row['total_bytes'])}"


def waits_for(told: Mapping[str, Any]) -> str:
    """Where it stands and what it waits for, with the time that is left of a hold."""
    left = told["seen"].get("remaining_seconds")
    return str(told["summary"]) + (f", {words.duration(left)} left" if left else "")


def moments(release: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Its history as rows: when, who, what, why."""
    return [(words.moment(each["when"]), each["who"], each["what"], each.get("why", "")) for each in release["history"]]


def waits_for_person(told: Mapping[str, Any]) -> bool:
    """Whether it goes on only when somebody says so."""
    return told["state"] == WAITING or (told["state"] not in ENDED and bool(told["release"].get("paused")))


def _called(side: Mapping[str, Any]) -> str:
    return str(side["version"] or "default")
