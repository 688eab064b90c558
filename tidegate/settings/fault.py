"""What is wrong with one value or name that an operator or a container wrote, and what was probably meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from msgspec import Struct


class Fault(Struct, frozen=True):
    """What is wrong with one value, before it is known where the value stood."""

    text: str
    mend: str = ""


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
