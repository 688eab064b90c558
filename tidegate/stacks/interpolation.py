"""`$VAR`, `${VAR}`, `${VAR:-default}` and the rest of Compose's interpolation, over a whole file's values (pure).

Forms: `${A:-x}` x if A is unset or empty, `${A-x}` if unset; `${A:+x}` x if A is set and not empty, `${A+x}` if set;
`${A:?text}`, `${A?text}` an error where the first two would take the default; `$$` a dollar sign. Defaults may hold
variables again. Keys are never interpolated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tidegate.yamlfile import Path

Report = Callable[[str, str, Path], None]  # (code, text, path)

_START = re.compile(r"\$(?:(?P<dollar>\$)|(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|(?P<open>\{))")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-+?])(?P<rest>.*))?", re.DOTALL)

MAX_DEPTH = 10
UNSET, SYNTAX, REQUIRED = "T1133", "T1134", "T1135"


def interpolate(value: Any, variables: Mapping[str, str], report: Report, path: Path = ()) -> Any:
    """`value` with every string in it filled from `variables`; what is wrong goes to `report`."""
    if isinstance(value, str):
        return fill(value, variables, lambda code, text: report(code, text, path))
    if isinstance(value, dict):
        return {key: interpolate(item, variables, report, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, variables, report, (*path, index)) for index, item in enumerate(value)]
    return value


def fill(text: str, variables: Mapping[str, str], report: Callable[[str, str], None], depth: int = 0) -> str:
    """One string. A dollar sign that begins nothing is an error: written twice it stands for itself."""
    if depth > MAX_DEPTH:
        report(SYNTAX, f"variables nested deeper than {MAX_DEPTH}")
        return ""
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        found = _START.match(text, dollar)
        if found is None:
            report(SYNTAX, f"a lone $ in {text!r}: write $$ for a dollar sign")
            return text
        at = found.end()
        if found["dollar"]:
            parts.append("$")
        elif found["bare"]:
            parts.append(_value(found["bare"], variables, report))
        else:
            end = _closing(text, at)
            if end < 0:
                report(SYNTAX, f"a ${{ without its }} in {text!r}")
                return text
            parts.append(_expression(text[at:end], variables, report, depth + 1))
            at = end + 1
    return "".join((*parts, text[at:]))


def _closing(text: str, at: int) -> int:
    """Where the brace opened before `at` is closed; -1 if nowhere."""
    depth = 1
    for index in range(at, len(text)):
        if text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
        elif text.startswith("${", index):
            depth += 1
    return -1


def _expression(inside: str, variables: Mapping[str, str], report: Callable[[str, str], None], depth: int) -> str:
    found = _INSIDE.fullmatch(inside)
    if found is None:
        report(SYNTAX, f"${{{inside}}} is no variable")
        return ""
    name, operator, rest = found["name"], found["operator"] or "", found["rest"] or ""
    if not operator:
        return _value(name, variables, report)
    value = variables.get(name)
    present = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return fill(rest, variables, report, depth) if present else ""
    if present:
        return value or ""
    if operator.endswith("-"):
        return fill(rest, variables, report, depth)
    report(REQUIRED, f"the variable {name} must be set: {rest or 'no reason given'}")
    return ""


def _value(name: str, variables: Mapping[str, str], report: Callable[[str, str], None]) -> str:
    if name not in variables:
        report(UNSET, f"the variable {name} is not set; it counts as empty")
    return variables.get(name, "")
