"""Files of variables, `NAME=value` on each line: `env_file` of a service, and `.env` beside the Compose file (pure).

Forms: `export NAME=value`; `'...'` as it stands; `"..."` with escapes and variables, over several lines too; without quotes with
variables, up to ` #`. A name alone is taken from our own environment. In `raw` files everything behind the sign is the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tidegate.stacks.interpolation import fill

SYNTAX = "T1174"
_NAME = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])\s?|$)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
Report = Callable[[str, int, str], None]  # (code, line, text)


def parse(text: str, variables: Mapping[str, str], report: Report, raw: bool = False) -> dict[str, str | None]:
    """The variables in order, None for a name alone. Later lines see earlier ones; what is wrong goes to `report`."""
    found: dict[str, str | None] = {}
    lines = text.removeprefix("\ufeff").splitlines()
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at].strip()
        at += 1
        if not line or line.startswith("#"):
            continue
        match = _NAME.match(line)
        if match is None:
            report(SYNTAX, number, f"no variable begins the line: {line[:40]!r}")
            continue
        if match[2] is None:
            found[match[1]] = None
            continue
        value = line[match.end() :]
        if raw:
            found[match[1]] = value
            continue
        while value.lstrip()[:1] in ("'", '"') and _closed(value.lstrip()) < 0 and at < len(lines):
            value = f"{value}\n{lines[at]}"
            at += 1
        known = {**variables, **{name: item for name, item in found.items() if item is not None}}
        found[match[1]] = _value(value.strip(), known, lambda code, said, number=number: report(code, number, said))  # type: ignore[misc]
    return found


def _value(value: str, variables: Mapping[str, str], report: Callable[[str, str], None]) -> str:
    quote = value[:1]
    if quote not in ("'", '"'):
        return fill(re.split(r"\s#", value, maxsplit=1)[0].rstrip(), variables, report)
    end = _closed(value)
    if end < 0:
        report(SYNTAX, "a quote is not closed")
        return value[1:]
    if value[end + 1 :].strip() and not value[end + 1 :].strip().startswith("#"):
        report(SYNTAX, f"something follows the closing quote: {value[end + 1 :].strip()[:20]!r}")
    inside = value[1:end]
    return inside if quote == "'" else fill(_unescaped(inside), variables, report)


def _closed(value: str) -> int:
    """Where the quote that begins `value` is closed; -1 if nowhere."""
    at = 1
    while at < len(value):
        if value[at] == "\\" and value[0] == '"':
            at += 1
        elif value[at] == value[0]:
            return at
        at += 1
    return -1


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)
