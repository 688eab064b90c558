"""docs/http.md against the sources: every reason that the router gives, with its status; every setting that bounds it."""

from __future__ import annotations

import ast
import re

from tests.support.tree import parsed, sources, text
from tidegate.cli.catalogue import BY_KEY
from tidegate.errors import Reason

PAGE = text("docs/http.md")
PARTS = ("tidegate/http1/", "tidegate/router/")


def given_reasons():
    """Names of the reasons that parser and router give; a table of reasons (of their texts, say) gives none."""
    return {name for path in sources() if str(path).startswith(PARTS) for name in reasons_in(parsed(path))}


def reasons_in(node):
    if isinstance(node, ast.Dict | ast.Tuple):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
        yield node.attr
    for child in ast.iter_child_nodes(node):
        yield from reasons_in(child)


def described():
    return {token: int(status) for token, status in re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PAGE, re.MULTILINE)}


def test_every_reason_of_the_router_is_described_with_its_status():
    given = [reason for reason in Reason if reason.name in given_reasons()]
    assert not {reason.token: reason.status for reason in given}.items() - described().items()


def test_every_described_reason_is_given():
    assert not described().keys() - {reason.token for reason in Reason if reason.name in given_reasons()}


def test_every_setting_that_is_named_exists():
    assert not set(re.findall(r"`(http\.\w+)`", PAGE)) - BY_KEY.keys()
