"""One override as the store has it, read: what is understood of it, and what is not. Pure.

What another version of the program wrote may mean nothing to this one. It stays in the store as it is; what it might have
protected is closed until it can be read, or is taken away: nobody can say whom it kept out (docs/decisions/0099).
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from tidegate.errors import Problem, Severity
from tidegate.model import TrafficMode
from tidegate.settings.reading import read_settings
from tidegate.store.port import Entry
from tidegate.value import Value

PREFIX = "overrides/"
_TUNING = frozenset(("weights", "drain"))  # kinds that keep nobody out


class Setting(Value, frozen=True):
    """One override as it stands: `kind` is weights, mode, settings or drain. `when` is seconds since the epoch."""

    kind: str
    target: str
    value: Any
    revision: int
    who: str = ""
    when: float = 0.0
    why: str = ""


class Unread(Value, frozen=True):
    """What is not understood of an override: all of it where `whole`, else some of its settings. `closes`: what it says may
    protect, so the routes of its target are closed."""

    kind: str
    target: str
    revision: int
    faults: tuple[str, ...]
    whole: bool
    closes: bool

    @property
    def place(self) -> str:
        """How problems call it."""
        return f"override {self.kind}/{self.target}"

    def problem(self) -> Problem:
        """What an operator is told."""
        without = "without it" if self.whole else "without them"
        return Problem(
            code="T1313",
            text=f"{self.place} is not understood: {'; '.join(self.faults)}",
            place=self.place,
            cause="another version of the program wrote it, or the store was written by hand",
            mend=f"go back to the version that wrote it, or take it away: tidegate {_MENDS.get(self.kind, _UNSET)}".format(
                target=self.target
            ),
            kept="it stays in the store as it is; "
            + (
                f"requests for {self.target} are answered 503 closed"
                if self.closes
                else f"requests are served {without}"
            ),
            severity=Severity.ERROR if self.closes else Severity.WARNING,
        )


_UNSET = "unset {target}"
_MENDS = {
    "weights": "shift {target} --reset",
    "mode": "maint {target} --off",
    "drain": "undrain {target}",
}


def read_entry(entry: Entry) -> tuple[Setting | None, Unread | None]:
    """The override of an entry, and what is not understood of it."""
    kind, _, target = entry.key.removeprefix(PREFIX).partition("/")
    target = unquote(target)
    try:
        body = json.loads(entry.value)
        value = body["value"]
        _check(kind, value)
        setting = Setting(
            kind=kind,
            target=target,
            value=value,
            revision=entry.revision,
            who=str(body.get("who", "")),
            when=float(body.get("when", 0.0)),
            why=str(body.get("why", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return None, Unread(
            kind=kind,
            target=target,
            revision=entry.revision,
            faults=(str(error) or type(error).__name__,),
            whole=True,
            closes=kind not in _TUNING,
        )
    wrong = read_settings(value, operator=True).wrong if kind == "settings" else ()
    if not wrong:
        return setting, None
    return setting, Unread(
        kind=kind,
        target=target,
        revision=entry.revision,
        faults=tuple(each.fault.text for each in wrong),
        whole=False,
        closes=any(each.closes for each in wrong),
    )


def _check(kind: str, value: Any) -> None:
    if kind == "weights":
        if not all(isinstance(name, str) and type(weight) is int for name, weight in value.items()):
            raise ValueError("weights are names and whole numbers")
    elif kind == "mode":
        TrafficMode(value["mode"])
    elif kind == "settings":
        if not all(isinstance(name, str) and isinstance(text, str) for name, text in value.items()):
            raise ValueError("settings are names and texts")
    elif kind != "drain":
        raise ValueError(f"no such kind: {kind}")
