"""Where the label and file readers put what they do not like. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.errors import Problem, Severity


class Complaints:
    """Collects problems in the order they are found. `place` turns a label's or key's name into the place to show."""

    def __init__(self, place: Callable[[str], str]) -> None:
        self._place = place
        self._found: list[Problem] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All so far."""
        return tuple(self._found)

    def error(self, code: str, at: str, text: str, *, cause: str = "", mend: str = "", kept: str = "") -> None:
        """Note that the thing at `at` is not applied."""
        self._add(code, at, text, cause, mend, kept, Severity.ERROR)

    def warning(self, code: str, at: str, text: str, *, cause: str = "", mend: str = "", kept: str = "") -> None:
        """Note that the thing at `at` is applied or known, but probably not as meant."""
        self._add(code, at, text, cause, mend, kept, Severity.WARNING)

    def _add(self, code: str, at: str, text: str, cause: str, mend: str, kept: str, severity: Severity) -> None:
        self._found.append(
            Problem(code=code, text=text, place=self._place(at), cause=cause, mend=mend, kept=kept, severity=severity)
        )
