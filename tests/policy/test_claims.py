from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.tree import parsed

# From a request's head to the claimed upstream: what these files do is done in one go, the event loop is the lock.
PATH_TO_A_CLAIM = (
    "exchange",
    "balancer",
    "routes",
    "live",
    "core",
    "upstream",
    "link",
    "turn",
    "relay",
    "entry",
    "intake",
    "downstream",
)


@pytest.mark.parametrize("name", PATH_TO_A_CLAIM)
def test_nothing_awaits_between_reading_the_table_and_claiming_an_upstream(name):
    path = Path("tidegate/router") / f"{name}.py"
    waits = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)
    assert not [node.lineno for node in ast.walk(parsed(path)) if isinstance(node, waits)]
