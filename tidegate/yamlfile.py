"""YAML files, read strictly: YAML 1.2 scalars, no repeated keys, bounded, every key's line remembered.

Built on the events of PyYAML's C parser. What differs from `yaml.safe_load`, and why: `no`, `22:22` and `0700` stay
text (YAML 1.1 makes them False, 1342 and 448; YAML 1.2 makes 700 of the last, and nobody can know which was meant), a repeated key is refused instead of winning silently, aliases are counted so
that a small file cannot grow without bound, and a syntax error does not hide the ones behind it.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct

from tidegate.errors import Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_SYNTAX_PROBLEMS = 20

Path = tuple[str | int, ...]

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_PADDED = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_TAG = "tag:yaml.org,2002:"


class Document:
    """One file as read. `data` is plain Python; apply it only when `problems` is empty (it is None when no tree could be
    built, and holds the first of two values where a key is repeated).
    """

    def __init__(self, name: str, data: Any, problems: tuple[Problem, ...], lines: _Lines | None = None) -> None:
        self.name = name
        self.data = data
        self.problems = problems
        self._lines = lines

    def line(self, path: Path) -> int:
        """The 1-based line of the key or item at `path`, or of its nearest known ancestor."""
        node = self._lines
        if node is None:
            return 1
        for step in path:
            child = node.children.get(step)
            if child is None:
                break
            node = child
        return node.line

    def place(self, path: Path) -> str:
        """`file:line` of `path`, the form in which a Problem names it."""
        return f"{self.name}:{self.line(path)}"


def load(text: str, name: str) -> Document:
    """Read one YAML document; never raises. `name` is how the file is called in messages."""
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        return Document(name, None, (_too_large(name),))
    problems: list[Problem] = []
    last = 0
    while len(problems) < MAX_SYNTAX_PROBLEMS:
        builder = _Builder(name, text)
        data, lines = builder.build()
        problems.extend(problem for problem in builder.problems if problem not in problems)
        if builder.broken is None or builder.broken.start <= last:
            break
        last = builder.broken.start
        text = _without_block(text, last)
    problems.sort(key=_line_of)
    broken = any(problem.code != "T1251" for problem in problems)
    return Document(name, None if broken else data, tuple(problems), lines)


class _Lines:
    """Where a node and its children stand: a tree beside the data."""

    __slots__ = ("children", "line")

    def __init__(self, line: int, children: dict[Any, _Lines] | None = None) -> None:
        self.line = line
        self.children: dict[Any, _Lines] = children if children is not None else {}


class _Broken(Struct, frozen=True):
    """A syntax error: `line` is where it showed, `start` where the construct at fault begins (both 1-based)."""

    line: int
    start: int
    text: str


class _StopError(Exception):
    """The document cannot be read on; the problem has been noted."""


class _Anchor(Struct, frozen=True):
    value: Any
    lines: _Lines
    nodes: int


class _Builder:
    """One pass over the parser's events, building data and lines together."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._events: Iterator[Any] = iter(())
        self._anchors: dict[str, _Anchor | None] = {}  # None while its node is still open
        self._nodes = 0
        self.problems: list[Problem] = []
        self.broken: _Broken | None = None  # set when the parser gave up

    def build(self) -> tuple[Any, _Lines | None]:
        """Data and lines of the only document; (None, None) when reading stopped early."""
        try:
            self._events = yaml.parse(self._text, Loader=yaml.CSafeLoader)
            return self._document()
        except _StopError:
            return None, None
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            self.broken = _broken(error, self._text)
            self._problem("T1250", self.broken.line, "the file is not valid YAML", cause=self.broken.text)
            return None, None

    def _document(self) -> tuple[Any, _Lines | None]:
        data, lines = None, None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(
                        "T1250",
                        _at(event),
                        "the file holds more than one YAML document",
                        mend="keep only the first one",
                    )
                data, lines = self._node(next(self._events), 0)
        return data, lines

    def _node(self, event: Any, depth: int) -> tuple[Any, _Lines]:
        line = _at(event)
        self._spend(1, line)
        if depth > MAX_DEPTH:
            self._stop("T1253", line, f"the file is nested deeper than {MAX_DEPTH} levels", mend="flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        before = self._nodes
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            node: tuple[Any, _Lines] = (self._scalar(event, line), _Lines(line))
        elif isinstance(event, yaml.SequenceStartEvent):
            self._expect_tag(event, "seq", line)
            node = self._sequence(line, depth)
        else:
            self._expect_tag(event, "map", line)
            node = self._mapping(line, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(*node, self._nodes - before + 1)
        return node

    def _sequence(self, line: int, depth: int) -> tuple[Any, _Lines]:
        items: list[Any] = []
        lines = _Lines(line)
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item, lines.children[len(items)] = self._node(event, depth + 1)
            items.append(item)
        return items, lines

    def _mapping(self, line: int, depth: int) -> tuple[Any, _Lines]:
        found: dict[Any, Any] = {}
        lines = _Lines(line)
        merged: list[tuple[Any, _Lines]] = []
        merges_at = 0
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            at = _at(event)
            merges = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key, _ = self._node(event, depth + 1)
            value, value_lines = self._node(next(self._events), depth + 1)
            if merges:
                if merges_at:
                    self._repeated("<<", merges_at, at)
                merges_at = at
                merged.extend(self._merges(value, value_lines, at))
            elif isinstance(key, (dict, list)):
                self._problem("T1250", at, "a key must be a plain word", mend="write the key as text")
            elif key in found:
                self._repeated(key, lines.children[key].line, at)
            else:
                found[key] = value
                lines.children[key] = _Lines(at, value_lines.children)
        for mapping, mapping_lines in merged:
            for key, value in mapping.items():
                if key not in found:
                    found[key] = value
                    lines.children[key] = mapping_lines.children[key]
        return found, lines

    def _merges(self, value: Any, lines: _Lines, at: int) -> list[tuple[Any, _Lines]]:
        if isinstance(value, dict):
            return [(value, lines)]
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [(item, lines.children[index]) for index, item in enumerate(value)]
        self._problem("T1250", at, "'<<' needs a mapping or a list of mappings", mend="give it an alias such as *name")
        return []

    def _alias(self, anchor: str | None, line: int) -> tuple[Any, _Lines]:
        assert anchor is not None, "an alias names its anchor"
        target = self._anchors.get(anchor)
        if target is None:
            known = anchor in self._anchors
            text = (
                f"alias *{anchor} stands inside its own anchor" if known else f"alias *{anchor} has no anchor before it"
            )
            self._stop(
                "T1250", line, text, mend=f"define &{anchor} before the alias" if not known else "repeat the values"
            )
            raise AssertionError
        self._spend(target.nodes, line)
        return copy.deepcopy(target.value), _Lines(line, target.lines.children)

    def _scalar(self, event: Any, line: int) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            return _resolve(text) if event.implicit[0] and tag is None else text
        if tag == _TAG + "str":
            return text
        value = _resolve(text)
        kinds: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}
        kind = kinds.get(tag.removeprefix(_TAG)) if tag.startswith(_TAG) else None
        if kind is not None and type(value) is kind:
            return value
        self._problem("T1250", line, f"tag {_short(tag)} does not fit {text!r}", mend="leave the tag out")
        return text

    def _expect_tag(self, event: Any, kind: str, line: int) -> None:
        if event.tag not in (None, "!", _TAG + kind):
            self._problem("T1250", line, f"tag {_short(event.tag)} is not supported here", mend="leave the tag out")

    def _spend(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            text = f"the file grows beyond {MAX_NODES} values when its aliases are written out"
            self._stop("T1253", line, text, mend="use fewer or smaller aliases")

    def _repeated(self, key: object, first: int, again: int) -> None:
        self._problem(
            "T1251",
            again,
            f"key {key!r} appears twice in one mapping",
            cause=f"first at line {first}, again at line {again}",
            mend="keep one of the two",
        )

    def _stop(self, code: str, line: int, text: str, *, mend: str) -> None:
        self._problem(code, line, text, mend=mend)
        raise _StopError

    def _problem(self, code: str, line: int, text: str, *, cause: str = "", mend: str = "") -> None:
        self.problems.append(Problem(code=code, text=text, place=f"{self._name}:{line}", cause=cause, mend=mend))


def _at(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _resolve(text: str) -> Any:
    """The value of a plain scalar by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _PADDED.fullmatch(text):
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        if text[-1] in "fFnN":
            return float(text.replace(".", ""))
        value = float(text)
        return value if math.isfinite(value) else text
    return text


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _broken(error: yaml.YAMLError | UnicodeEncodeError, text: str) -> _Broken:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        context = error.context or ""
        start = line
        # An open quote or bracket shows its error far below; the construct at fault begins where it was opened.
        if error.context_mark and ("quoted" in context or "flow" in context):
            start = error.context_mark.line + 1
        said = ", ".join(part for part in (error.problem, context) if part)
        if start != line:
            said += f" that began at line {start}"
        return _Broken(line, start, said)
    if isinstance(error, UnicodeEncodeError):
        line = text.count("\n", 0, error.start) + 1
        return _Broken(line, line, "a character that is not valid Unicode")
    line = text.encode(errors="replace").count(b"\n", 0, getattr(error, "position", 0) or 0) + 1
    return _Broken(line, line, str(getattr(error, "reason", "") or error))


def _without_block(text: str, start: int) -> str:
    """`text` with line `start` and the deeper-indented lines below it blanked, so that reading can go on behind them."""
    lines = text.split("\n")
    start = min(start, len(lines))
    indent = _indent(lines[start - 1])
    end = start
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    return "\n".join(lines[: start - 1] + [""] * (end - start + 1) + lines[end:])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _line_of(problem: Problem) -> int:
    return int(problem.place.rpartition(":")[2])


def _too_large(name: str) -> Problem:
    return Problem(code="T1252", text="the file is larger than 1 MiB", place=f"{name}:1", mend="split it")
