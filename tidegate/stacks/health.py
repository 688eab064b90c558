"""`healthcheck` of a service (pure)."""

from __future__ import annotations

from typing import Any

from tidegate.engine.spec import Healthcheck
from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.yamlfile import Path

OFF = Healthcheck(test=("NONE",))
_TIMES = {
    "interval": "interval_seconds",
    "timeout": "timeout_seconds",
    "start_period": "start_seconds",
    "start_interval": "start_interval_seconds",
}
_KNOWN = frozenset({"test", "disable", "retries", *_TIMES})


def healthcheck(findings: Findings, path: Path, value: Any) -> Healthcheck:
    """The engine's own check of a container, in all forms of `test`."""
    said = findings.mapping(path, value)
    findings.rest(path, said, _KNOWN)
    if said.get("disable") is not None and values.flag(findings, (*path, "disable"), said["disable"]):
        return OFF
    test = _test(findings, (*path, "test"), said.get("test"))
    if test == OFF.test:
        return OFF
    times = {
        name: values.seconds(findings, (*path, key), said[key])
        for key, name in _TIMES.items()
        if said.get(key) is not None
    }
    retries = values.whole(findings, (*path, "retries"), said["retries"]) if said.get("retries") is not None else 0
    return Healthcheck(test=test, retries=retries, **times)


def _test(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    """A text is for the shell; a list says by its first word what it is."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return ("CMD-SHELL", values.text(findings, path, value))
    words = values.texts(findings, path, value)
    if not words or words[0] not in ("NONE", "CMD", "CMD-SHELL"):
        findings.wrong(path, "text, or a list that begins with NONE, CMD or CMD-SHELL", value)
        return ()
    return words
