"""How a version wants to be released, as its containers say it: labels `tidegate.release.*`, `release:` in a file. Pure.

    strategy  rolling, blue-green, canary, replace        canary          5, 25, 50
    hold_seconds, confirm, parallelism                    retire          keep, stop, remove
    preview.header, preview.cookie   NAME=VALUE or NAME   gate.<gate>     success 99.5% -> gate.success: 99.5%

Whoever says any of it waits for a release, so nothing of it is guessed: one wrong word makes all of it wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from tidegate.model import ReleasePolicy
from tidegate.policy import Match
from tidegate.release.gate_text import KINDS, gate_of, line_of
from tidegate.release.spec import Retire, Strategy
from tidegate.settings.conditions import read_conditions
from tidegate.settings.fault import Fault, nearest, shown
from tidegate.settings.kinds import Kind, choice, several, whole
from tidegate.settings.values import read_flag, read_name, read_seconds, read_whole

TOP = "release"
PREVIEWS = ("preview.header", "preview.cookie")
_GATE = "gate."
_ASKING = ("query", "hook")  # gates with a name of their own
_SHARES: Kind = several(whole(1, 100), "percentages")
MAX_HOLD_SECONDS = 7 * 86400.0
_MOVING, _SHA256 = "latest", "sha256:"
_PARTS = re.compile(r"(?P<name>.*)=(?P<value>.*)", re.DOTALL)


class Wanted(Struct, frozen=True, kw_only=True):
    """What was understood, None where nothing is said, and what was not, by name. `unknown` are names there are not."""

    policy: ReleasePolicy | None = None
    wrong: tuple[tuple[str, Fault], ...] = ()
    unknown: tuple[tuple[str, Fault], ...] = ()


def read_release(given: Mapping[str, str], *, operator: bool) -> Wanted:
    """Read names (without the leading `release.`) and texts. `operator`: they come from a file, not from a label."""
    fields: dict[str, Any] = {}
    previews: list[Match] = []
    gates: dict[str, str] = {}
    wrong: list[tuple[str, Fault]] = []
    unknown: list[tuple[str, Fault]] = []
    for name, text in given.items():
        value = _read(name, text.strip(), operator=operator)
        if value is None:
            close = nearest_word(name)
            mend = f"did you mean {TOP}.{close}?" if close else "see docs/labels.md for what a release takes"
            unknown.append((name, Fault(f"unknown word {shown(f'{TOP}.{name}')}", mend)))
        elif isinstance(value, Fault):
            wrong.append((name, value))
        elif isinstance(value, Match):
            previews.append(value)
        elif name.startswith(_GATE):
            gates[name.removeprefix(_GATE)] = value
        else:
            fields[_FIELDS[name][0]] = value
    fields = _with_strategy(fields)
    fault = _contradiction(fields)
    if fault is not None and not wrong and not unknown:
        wrong.append(("canary" if "canary" in given else "parallelism", fault))
    if not given or wrong or unknown:
        return Wanted(wrong=tuple(wrong), unknown=tuple(unknown))
    return Wanted(policy=ReleasePolicy(**fields, previews=tuple(previews), gates=gates))


def release_names() -> tuple[str, ...]:
    """Every fixed name."""
    return (*_FIELDS, *PREVIEWS, *(f"{_GATE}{kind}" for kind in KINDS if kind not in _ASKING))


def nearest_word(name: str) -> str:
    """The name that an unknown one was probably meant to be, or an empty string."""
    return nearest(name, (*release_names(), *(f"{_GATE}{kind}.NAME" for kind in _ASKING)))


def is_word(name: str) -> bool:
    """Whether a name (without the leading `release.`) is one."""
    return name in release_names() or _asking(name)


def _asking(name: str) -> bool:
    kind, dot, word = name.removeprefix(_GATE).partition(".")
    return name.startswith(_GATE) and kind in _ASKING and bool(dot) and not isinstance(read_name(word), Fault)


def _read(name: str, text: str, *, operator: bool) -> Any:
    """The value of one name, a Fault, or None where there is no such name."""
    if not is_word(name):
        return None
    if name in _FIELDS:
        return _FIELDS[name][1](text)
    if name in PREVIEWS:
        return _preview(name, text)
    if name.startswith(f"{_GATE}hook.") and not operator:
        return Fault(f"{TOP}.{name} is not for labels, which may not name an address", "say it with the release")
    return _gate(name.removeprefix(_GATE), text)


def _shares(text: str) -> tuple[int, ...] | Fault:
    shares: tuple[int, ...] | Fault = _SHARES.read(text)
    if not isinstance(shares, Fault) and shares != tuple(sorted(shares)):
        return Fault(f"the shares {shown(text)} do not rise", "for example 5, 25, 50")
    return shares


def _preview(name: str, text: str) -> Match | Fault:
    kind = name.removeprefix("preview.")
    parts = _PARTS.fullmatch(text)
    word, value = (parts["name"].strip(), parts["value"].strip()) if parts else (text, "*")
    found = read_conditions({f"match.{kind}.{word}": value})
    fault = next((each for _, each in found.wrong), None)
    if fault is not None or found.match is None:
        return Fault(fault.text if fault else f"{shown(text)} is no {kind}", "write NAME=VALUE, or NAME for any value")
    return found.match


def _gate(name: str, text: str) -> str | Fault:
    try:
        gate_of(line_of(name, text))
    except ValueError as fault:
        return Fault(f"gate {name}: {fault}", "see docs/labels.md for what each gate takes")
    return text


def _with_strategy(fields: dict[str, Any]) -> dict[str, Any]:
    """Some words are of one strategy only, so they name it too."""
    implied = {"shares": Strategy.CANARY.value, "parallelism": Strategy.ROLLING.value}
    return {"strategy": next((implied[each] for each in implied if each in fields), ""), **fields}


def _contradiction(fields: Mapping[str, Any]) -> Fault | None:
    """Why what is said cannot be meant together."""
    strategy = fields["strategy"]
    if "shares" in fields and strategy != Strategy.CANARY:
        return Fault(f"a {strategy} release has no canary shares", "write strategy: canary, or leave the shares out")
    if "parallelism" in fields and strategy != Strategy.ROLLING:
        return Fault(f"a {strategy} release has no parallelism", "write strategy: rolling, or leave it out")
    return None


_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "strategy": ("strategy", choice(*(each.value for each in Strategy)).read),
    "canary": ("shares", _shares),
    "hold_seconds": ("hold_seconds", lambda text: read_seconds(text, 0, MAX_HOLD_SECONDS)),
    "confirm": ("confirm", read_flag),
    "parallelism": ("parallelism", lambda text: read_whole(text, 1, 1000)),
    "retire": ("retire", choice(*(each.value for each in Retire)).read),
}


def version_of(image: str, image_id: str) -> str:
    """What tells versions apart where no label does: the image's tag; where it has none, or is `latest`, what is in it."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if tag and tag != _MOVING and not name.startswith(_SHA256):
        return tag.lstrip("_.-")[:63]
    found = digest or (name if name.startswith(_SHA256) else image_id)
    return found.removeprefix(_SHA256)[:12]
