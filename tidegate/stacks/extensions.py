"""What labels say to the stack: how many, where, in what order, how a new revision comes (pure).

The words of the original system are `aliyun.*`; each of them may also be said as `tidegate.*`, which goes first. Labels that classic
Swarm keeps its expressions in are read too. All of them stay on the container.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tidegate.placement.rule_text import LISTS, Unreadable, expression_of, listed, understood
from tidegate.stacks.findings import Findings
from tidegate.stacks.service import Update
from tidegate.value import Value
from tidegate.yamlfile import Path

BAD_LABEL, IDLE = "T1176", "T1177"
OURS, THEIRS = "tidegate.", "aliyun."
EXCLUSIVE = "exclusive"
# Labels of the original system about what is somebody else's work here: collecting logs and figures.
_IDLE = ("aliyun.log_", "aliyun.log.", "aliyun.logs", "aliyun.monitoring.")

_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

T = TypeVar("T")


class Extensions(Value):
    """What the labels of a service say; `update` None where they do not."""

    everywhere: bool = False
    depends: tuple[str, ...] = ()
    update: Update | None = None
    latest_image: bool = False
    exclusive: bool = False
    account: str = ""
    gpus: int = 0
    expressions: tuple[str, ...] = ()


def extensions(findings: Findings, path: Path, labels: Mapping[str, str]) -> Extensions:
    """`path` is that of the labels."""
    said = _Labels(findings, path, labels)
    return Extensions(
        everywhere=said.value("global", _flag, False),
        depends=said.value("depends", _names, ()),
        update=_update(said),
        latest_image=said.value("latest_image", _flag, False),
        exclusive=said.value(EXCLUSIVE, _flag, False),
        account=said.value("account", _account, ""),
        gpus=said.value("gpu", _whole, 0),
        expressions=_expressions(findings, path, labels),
    )


def is_exclusive(labels: Mapping[str, str]) -> bool:
    """Whether a container with these labels must not run on two nodes at a time."""
    said = next((labels[each + EXCLUSIVE] for each in (OURS, THEIRS) if each + EXCLUSIVE in labels), "")
    return said.strip().lower() == "true"


def is_account(text: str) -> bool:
    """Whether an account can be called so."""
    return _ACCOUNT.fullmatch(text) is not None


def idle(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Labels that are known and have no effect here."""
    return tuple(label for label in labels if label.startswith(_IDLE))


def parted(
    findings: Findings, path: Path, pairs: Mapping[str, str | None]
) -> tuple[dict[str, str | None], tuple[str, ...]]:
    """An environment without the placement expressions in it, and these."""
    found = {name: expression_of(name, value) for name, value in pairs.items()}
    expressions = [each for name, each in found.items() if each is not None and _is_good(findings, (*path, name), each)]
    return {name: value for name, value in pairs.items() if found[name] is None}, tuple(expressions)


class _Labels:
    """Labels by their name without prefix."""

    def __init__(self, findings: Findings, path: Path, labels: Mapping[str, str]) -> None:
        self._findings = findings
        self._path = path
        self._labels = labels

    def value(self, name: str, read: Callable[[str], T], default: T) -> T:
        """The first of both that is there, read; `default` where neither is, or it cannot be read."""
        label = next((each + name for each in (OURS, THEIRS) if each + name in self._labels), "")
        if not label:
            return default
        try:
            return read(self._labels[label].strip())
        except ValueError as error:
            text = f"{label} must be {error}, not {self._labels[label]!r}"
            self._findings.error(BAD_LABEL, (*self._path, label), text)
            return default


def _update(said: _Labels) -> Update | None:
    """The original system took any number of replicas that made no sense for one."""
    if not said.value("rolling_updates", _flag, False):
        return None
    return Update(rolling=True, parallelism=max(said.value("rolling_updates.parallelism", _any_number, 1), 1))


def _expressions(findings: Findings, path: Path, labels: Mapping[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    for label in LISTS:
        if label not in labels:
            continue
        try:
            said = listed(label, labels[label])
        except Unreadable as fault:
            findings.adopt(fault.problem(labels[label]), (*path, label))
            continue
        found += [each for each in said if _is_good(findings, (*path, label), each)]
    if (policy := labels.get("tidegate.reschedule")) is not None:
        expression = f"reschedule:{policy}"
        found += [expression] if _is_good(findings, (*path, "tidegate.reschedule"), expression) else []
    return tuple(found)


def _is_good(findings: Findings, path: Path, expression: str) -> bool:
    problems = understood((expression,)).problems
    for problem in problems:
        findings.adopt(problem, path)
    return not problems


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false")
    return text.lower() == "true"


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _account(text: str) -> str:
    if not is_account(text):
        raise ValueError("an account's name (letters, digits and _ . -, 64 at most)")
    return text


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError("a whole number")
    return int(text)


def _any_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def speaks_the_original(labels: Mapping[str, str], expressions: tuple[str, ...], settings: Mapping[Any, Any]) -> bool:
    """Whether a service is written in the original system's language."""
    return any(label.startswith(THEIRS) for label in labels) or bool(expressions) or "external" in settings
