"""Single label and file values: booleans, whole numbers, seconds, names. Pure; a Fault says what is wrong."""

from __future__ import annotations

import math
import re

from tidegate.settings.fault import Fault, shown

MAX_VALUE = 4096
_WHOLE = re.compile(r"[0-9]{1,9}")
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def as_text(value: object) -> str:
    """A label value as the engine would hand it over: bare YAML booleans and numbers become their usual text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def read_text(text: str) -> str | Fault:
    """`text` stripped of blanks around it; refuses control characters (they could split a header or a log line)."""
    if len(text) > MAX_VALUE:
        return Fault(f"the value has {len(text)} characters, {MAX_VALUE} are allowed", "shorten it")
    if any(char < " " or char == "\x7f" for char in text):
        return Fault(f"the value {shown(text)} holds a control character", "write it on one line")
    return text.strip()


def read_flag(text: str) -> bool | Fault:
    """`true` or `false` in any case."""
    word = text.lower()
    return (
        word == "true"
        if word in ("true", "false")
        else Fault(f"{shown(text)} is neither true nor false", "write true or false")
    )


def read_whole(text: str, low: int, high: int) -> int | Fault:
    """A decimal integer in `low`..`high`."""
    value = int(text) if text.isascii() and _WHOLE.fullmatch(text) else low - 1
    return (
        value
        if low <= value <= high
        else Fault(f"{shown(text)} is not a whole number from {low} to {high}", f"for example {max(low, 1)}")
    )


def read_seconds(text: str, low: float, high: float) -> float | Fault:
    """A decimal number of seconds in `low`..`high`, no unit."""
    value = float(text) if text.isascii() and _DECIMAL.fullmatch(text) else math.nan
    fault = Fault(
        f"{shown(text)} is not a number of seconds from {low:g} to {high:g}", "write a plain number, such as 2"
    )
    return value if low <= value <= high else fault


def read_name(text: str) -> str | Fault:
    """A service, project, version or network name."""
    fault = Fault(
        f"{shown(text)} is not a name",
        "use letters, digits, '.', '_' and '-', at most 63, starting with a letter or digit",
    )
    return text if _NAME.fullmatch(text) else fault
