"""Where the label and file readers put what they do not like. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

from msgspec import Struct

from tidegate.errors import Problem, Severity


class Fault(Struct, frozen=True):
    """What is wrong with one value, before it is known where the value stood."""

    text: str
    mend: str = ""


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


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or an empty string."""
    known = sorted(known)
    # Swapped letters in a short word look like another word to difflib.
    swapped = [each for each in known if each != word and sorted(each) == sorted(word)]
    close = swapped or difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return close[0] if close else ""


def meant(word: str, known: Iterable[str]) -> str:
    """`did you mean x?`, or the list of known words where nothing is near."""
    known = sorted(known)
    close = nearest(word, known)
    return f"did you mean {close}?" if close else f"known here: {', '.join(known)}"


def shown(value: object) -> str:
    """`value` quoted for a message: control characters escaped, at most 60 characters of it."""
    text = str(value)
    return ascii(text if len(text) <= 60 else text[:57] + "...")
