"""What is wrong with one file, each with its line (pure)."""

from __future__ import annotations

from typing import Any

from tidegate.errors import Problem, Severity
from tidegate.yamlfile import Document, Path

UNSUPPORTED, WRONG_KIND = "T1131", "T1132"


class Findings:
    """Problems of one file, in the order found."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = list(document.problems)

    def error(self, code: str, path: Path, text: str, mend: str = "") -> None:
        self._add(code, path, text, mend, Severity.ERROR)

    def warn(self, code: str, path: Path, text: str, mend: str = "") -> None:
        self._add(code, path, text, mend, Severity.WARNING)

    def wrong(self, path: Path, wanted: str, value: Any) -> None:
        """`value` is of another kind than `wanted` says."""
        self.error(WRONG_KIND, path, f"{dotted(path)} must be {wanted}, not {shown(value)}")

    def unsupported(self, path: Path, why: str = "") -> None:
        """The key at `path` means nothing here."""
        self.warn(UNSUPPORTED, path, f"{dotted(path)} is not supported and was left out", why)

    def adopt(self, problem: Problem, path: Path) -> None:
        """A problem that somebody else found in what stands at `path`."""
        self._add(problem.code, path, problem.text, problem.mend, problem.severity)

    def mapping(self, path: Path, value: Any) -> dict[Any, Any]:
        """`value` if it is a mapping; nothing is an empty one."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.wrong(path, "a mapping", value)
        return {}

    def rest(self, path: Path, settings: dict[Any, Any], known: frozenset[str]) -> None:
        """Name the keys of `settings` that nobody reads; `x-...` means nothing by definition."""
        for key in settings:
            if key not in known and not str(key).startswith("x-"):
                self.unsupported((*path, key))

    def _add(self, code: str, path: Path, text: str, mend: str, severity: Severity) -> None:
        place = self._document.place(path)
        self.problems.append(Problem(code=code, text=text, place=place, mend=mend, severity=severity))


def dotted(path: Path) -> str:
    """`services.web.ports[0]`, as a path is written in messages."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def shown(value: Any) -> str:
    """A value in a message: its kind where it is large."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value)
