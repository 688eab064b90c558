"""What the options of `tidegate deploy` say, as the body that the admin API takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidegate.cli.faults import usage
from tidegate.cli.reading import seconds

STRATEGIES = ("rolling", "blue_green", "canary", "replace")
_TIMES = {
    "hold": "hold_seconds",
    "retain": "retain_seconds",
    "ready_within": "ready_seconds",
    "min_healthy": "min_healthy_seconds",
    "drain": "drain_seconds",
    "stop_within": "stop_seconds",
}
NO_TIME = frozenset({"0", "0ms", "0s", "0m", "0h"})
_AS_THEY_ARE = (
    "image", "version", "beside", "replicas", "parallelism", "confirm", "manual", "retire", "discard", "pull", "on_failure",
    "on_unsure", "why",
)  # fmt: skip
_LISTS = {
    "targets": "targets",
    "gates": "gates",
    "preview_headers": "preview_headers",
    "preview_cookies": "preview_cookies",
    "command": "command",
}


def body_of(given: dict[str, Any]) -> dict[str, Any]:
    """The body; what was not said is left out. Raises UsageFault for what cannot be meant."""
    body: dict[str, Any] = {
        name: given[name] for name in _AS_THEY_ARE if given[name] not in (None, "", 0, False) or _no(given, name)
    }
    body |= {name: list(given[word]) for word, name in _LISTS.items() if given[word]}
    body |= {name: _seconds(word, given[word]) for word, name in _TIMES.items() if given[word]}
    if given["from_"]:
        body["from"] = given["from_"]
    body |= _strategy(given)
    for name, pairs, gone in (("environment", "env", "unset_env"), ("labels", "label", "unset_label")):
        texts = {**_pairs(pairs, given[pairs]), **dict.fromkeys(given[gone])}
        if texts:
            body[name] = texts
    return body


def _no(given: dict[str, Any], name: str) -> bool:
    """`--no-confirm` says something, unlike a flag that was not given."""
    return name == "confirm" and given[name] is False


def _strategy(given: dict[str, Any]) -> dict[str, Any]:
    said = [word for word in STRATEGIES if given[word]]
    if len(said) > 1:
        raise usage("a release has one strategy", "give one of --rolling, --blue-green, --canary and --replace")
    if not said:
        return {}
    body: dict[str, Any] = {"strategy": said[0].replace("_", "-")}
    if said == ["canary"] and given["canary"] != "default":
        body["shares"] = _shares(given["canary"])
    return body


def _shares(text: str) -> list[int]:
    parts = [part.strip().removesuffix("%") for part in text.split(",")]
    if not all(part.isdigit() and 1 <= int(part) <= 100 for part in parts):
        raise usage(f"--canary {text} is no list of percents", "write the shares as 5,25,50")
    return [int(part) for part in parts]


def _pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise usage(f"--{option} {text} is not NAME=VALUE", f"--unset-{option} NAME takes one away")
        found[name] = value
    return found


def _seconds(word: str, text: str) -> float:
    """A length of time. None at all may be meant, but for a replica to get ready in."""
    try:
        return 0.0 if text in NO_TIME and word != "ready_within" else seconds(text)
    except ValueError as fault:
        raise usage(f"--{word.replace('_', '-')} {text}: {fault}", "write a time such as 30s or 5m") from None
