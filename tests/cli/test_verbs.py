from __future__ import annotations

import importlib

import click
import pytest

from tests.support.tree import ROOT
from tidegate.cli.verbs import VERBS

MANUAL = (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_a_verb_is_a_command_with_help_and_json(verb):
    command = getattr(importlib.import_module(f"tidegate.cli.{verb.module}"), verb.attribute)
    assert isinstance(command, click.Command)
    assert command.help
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    assert all(any("--json" in parameter.opts for parameter in leaf.params) for leaf in leaves)


@pytest.mark.parametrize("name", ["shift", "deploy", "drain", "undrain", "maint", "hold"])
def test_a_changing_verb_can_be_tried_and_waited_for(name):
    command = getattr(importlib.import_module(f"tidegate.cli.{VERBS[name].module}"), VERBS[name].attribute)
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {"--dry-run", "--wait", "--no-wait", "--why"} <= options


@pytest.mark.parametrize("name", VERBS)
def test_the_manual_has_every_verb(name):
    assert f"`tidegate {name}" in MANUAL


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130])
def test_the_manual_has_every_exit_code(code):
    assert f"| {code} |" in MANUAL
