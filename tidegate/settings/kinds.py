"""The kinds of values a setting can take: how each is read from text and written back. Pure. `addresses` and `fields` have
those that speak of the network and of HTTP.

`read` takes stripped text and gives the value or a Fault; `show` gives the canonical text, which reads as the same value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from tidegate.settings.fault import Fault, meant, shown
from tidegate.settings.values import read_flag, read_whole

MAX_ITEMS = 64
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,15}) ?(|[kmgt]i?b|b)", re.IGNORECASE)
_UNITS = ("", "KiB", "MiB", "GiB", "TiB")
_VALUE = re.compile(r"[\t -~]{0,4096}")  # RFC 9110 section 5.5 without obs-text
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of value. `words` say what is taken, for people; `schema` for machines (JSON Schema of one value)."""

    read: Callable[[str], Any]
    show: Callable[[Any], str]
    words: str
    schema: dict[str, Any]


def flag() -> Kind:
    """`true` or `false`."""
    return Kind(
        read=read_flag,
        show=lambda value: "true" if value else "false",
        words="`true`, `false`",
        schema={"type": "boolean"},
    )


def whole(low: int, high: int) -> Kind:
    """A whole number."""
    return Kind(
        read=lambda text: read_whole(text, low, high),
        show=str,
        words=f"{low}..{high}",
        schema={"type": "integer", "minimum": low, "maximum": high},
    )


def decimal(low: float, high: float) -> Kind:
    """A decimal number with at most six places."""

    def read(text: str) -> float | Fault:
        value = float(text) if text.isascii() and _DECIMAL.fullmatch(text) else math.nan
        fault = Fault(f"{shown(text)} is not a number from {low:g} to {high:g}", "write a plain number, such as 2.5")
        return value if low <= value <= high else fault

    return Kind(
        read=read,
        show=lambda value: f"{value:.6f}".rstrip("0").rstrip("."),
        words=f"{low:g}..{high:g}",
        schema={"type": "number", "minimum": low, "maximum": high},
    )


def size(high: int) -> Kind:
    """Bytes, with or without a unit: `4096`, `10MiB`, `10MB` (a million)."""

    def read(text: str) -> int | Fault:
        match = _SIZE.fullmatch(text) if text.isascii() else None
        value = int(match[1]) * _factor(match[2].lower()) if match else -1
        fault = Fault(
            f"{shown(text)} is not a size up to {_sized(high)}", "write bytes, or a number with KiB, MiB, GiB"
        )
        return value if 0 <= value <= high else fault

    return Kind(read=read, show=_sized, words=f"size up to {_sized(high)}", schema={"type": ["integer", "string"]})


def _factor(unit: str) -> int:
    if unit in ("", "b"):
        return 1
    power = "kmgt".index(unit[0]) + 1
    return int(1024**power if unit[1] == "i" else 1000**power)


def _sized(value: int) -> str:
    power = 0
    while value and value % 1024 == 0 and power < len(_UNITS) - 1:
        value, power = value // 1024, power + 1
    return f"{value}{_UNITS[power]}"


def choice(*words: str, make: Callable[[str], Any] = str) -> Kind:
    """One of a few words."""

    def read(text: str) -> Any:
        word = text.lower()
        return make(word) if word in words else Fault(f"{shown(text)} is not a choice", meant(word, words))

    return Kind(read=read, show=str, words=", ".join(f"`{word}`" for word in words), schema={"enum": list(words)})


def status(*codes: int) -> Kind:
    """One of a few HTTP status codes."""
    words = ", ".join(map(str, codes))

    def read(text: str) -> int | Fault:
        return int(text) if text in {str(code) for code in codes} else Fault(f"{shown(text)} is none of {words}", words)

    return Kind(read=read, show=str, words=words, schema={"enum": list(codes)})


def pattern(pattern: re.Pattern[str], what: str, mend: str, words: str) -> Kind:
    """Text that matches a pattern as a whole."""

    def read(text: str) -> str | Fault:
        return text if pattern.fullmatch(text) else Fault(f"{shown(text)} is not {what}", mend)

    return Kind(read=read, show=str, words=words, schema={"type": "string"})


def name() -> Kind:
    """The name of something that the program's own configuration holds; never a path."""
    return pattern(_NAME, "a name", "use letters, digits, '.', '_' and '-', at most 63", "name")


def line(limit: int = 4096) -> Kind:
    """Printable ASCII on one line, not empty."""

    def read(text: str) -> str | Fault:
        good = 0 < len(text) <= limit and _VALUE.fullmatch(text)
        return text if good else Fault(f"{shown(text)} is not a line of plain text", "use printable ASCII, not empty")

    return Kind(read=read, show=str, words="text", schema={"type": "string"})


def quoted(limit: int = 127) -> Kind:
    """As `line`, without quotes and backslashes, so that it can stand in a quoted string (RFC 9110 section 5.6.4)."""
    kind = line(limit)

    def read(text: str) -> str | Fault:
        if '"' in text or "\\" in text:
            return Fault(f"{shown(text)} has a quote or a backslash", "leave it out")
        value: str | Fault = kind.read(text)
        return value

    return Kind(read=read, show=str, words="text", schema={"type": "string"})


def page(limit: int = 65536) -> Kind:
    """The text of a page; the only kind that may have several lines."""

    def read(text: str) -> str | Fault:
        bad = next((char for char in text if (char < " " and char not in "\n\t") or char == "\x7f"), "")
        if bad:
            return Fault(f"the page holds the control character {bad!a}", "take it out")
        good = 0 < len(text) <= limit and not any("\ud800" <= char <= "\udfff" for char in text)
        return text if good else Fault(f"a page has 1 to {limit} characters", "write plain text or HTML")

    return Kind(read=read, show=str, words="text or HTML", schema={"type": "string"})


def several(item: Kind, what: str) -> Kind:
    """A list with commas between its items, each one at most once; order is kept."""

    def read(text: str) -> tuple[Any, ...] | Fault:
        parts = [part.strip() for part in text.split(",")]
        if not text or len(parts) > MAX_ITEMS:
            return Fault(f"{shown(text)} is not a list of 1 to {MAX_ITEMS} {what}", "put commas between the items")
        values = [item.read(part) for part in parts]
        fault = next((value for value in values if isinstance(value, Fault)), None)
        return tuple(dict.fromkeys(values)) if fault is None else fault

    def show(values: Iterable[Any]) -> str:
        return ", ".join(map(item.show, values))

    schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": item.schema}]}
    return Kind(read=read, show=show, words=f"{what}, with commas", schema=schema)
