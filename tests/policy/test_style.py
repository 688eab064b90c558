from __future__ import annotations

import ast
import tomllib

import pytest

from tests.support.tree import ROOT, clean, parsed, sources, tool

SPAWNS = {"create_task", "ensure_future"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("os", "urandom"), ("uuid", "uuid4")}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def test_the_format_is_the_formatters():
    clean(tool("ruff", "format", "--check", "."))


def test_the_linter_finds_nothing():
    clean(tool("ruff", "check", "."))


def test_the_types_hold_strictly():
    clean(tool("mypy"))


def calls(path):
    return (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))


def attribute(node):
    """(owner, name) of `owner.name(...)`, else ("", "")."""
    if not isinstance(node.func, ast.Attribute):
        return "", ""
    owner = node.func.value
    return getattr(owner, "id", getattr(owner, "attr", "")), node.func.attr


def test_tasks_are_born_in_one_place():
    found = [
        f"{path}:{node.lineno}"
        for path in sources()
        if path.name != "tasks.py"
        for node in calls(path)
        if attribute(node)[1] in SPAWNS
    ]
    assert not found, "use tidegate.tasks.Tasks.spawn"


def test_nothing_prints_but_through_click():
    found = [
        f"{path}:{node.lineno}"
        for path in sources()
        for node in calls(path)
        if isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not found


def test_no_error_is_swallowed_whole():
    found = [
        f"{path}:{node.lineno}"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert not found


def test_log_calls_pass_fields_not_finished_text():
    found = [
        f"{path}:{node.lineno}"
        for path in sources()
        for node in calls(path)
        if attribute(node)[1] in LOG_METHODS and node.args and isinstance(node.args[0], ast.JoinedStr)
    ]
    assert not found


def cores():
    """The modules that the sans-io contract names, packages opened up."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    names = next(contract for contract in contracts if contract["type"] == "forbidden")["source_modules"]
    prefixes = tuple(name.replace(".", "/") for name in names)
    return [path for path in sources() if str(path.with_suffix("")).startswith(prefixes)]


@pytest.mark.parametrize("path", cores(), ids=str)
def test_a_core_reads_no_clock_and_rolls_no_dice(path):
    found = [f"{path}:{node.lineno}" for node in calls(path) if attribute(node) in CLOCKS]
    assert not found, "cores receive now and rng"
