"""Faults of the command line itself, each with the exit code that docs/cli.md promises."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tidegate.errors import Problem, TidegateError

INTERRUPTED = 130


class UsageFault(TidegateError):
    """The line was written wrongly; nothing was asked of anybody."""

    exit_code = 2


class Unreachable(TidegateError):
    """No running Tidegate answers."""

    exit_code = 5


class WaitedTooLong(TidegateError):
    """The deadline passed; the change may still come into effect."""

    exit_code = 7


class RolledBack(TidegateError):
    """A release that was waited for did not come to pass; the old version serves, or what is left of it."""

    exit_code = 8


class WaitsForPerson(TidegateError):
    """A release that was waited for goes on only when somebody says so."""

    exit_code = 9


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean x?` with the nearest of `known`, or nothing where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else ""


def usage(text: str, mend: str = "", code: str = "T1703", place: str = "") -> UsageFault:
    """A usage fault with one problem."""
    return UsageFault(Problem(code=code, text=text, mend=mend, place=place))
