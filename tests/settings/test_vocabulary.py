import re

import pytest

from tests.support.tree import ROOT
from tidegate.policy import Policy
from tidegate.settings.rows import NAMED, ROWS
from tidegate.settings.vocabulary import FAMILIES, HEADS, TOPS, all_names, family_of, named_of

PAGE = (ROOT / "docs" / "route-settings.md").read_text("utf-8")


@pytest.mark.parametrize("name", all_names())
def test_every_name_belongs_to_a_family_and_a_top(name):
    assert family_of(name) in FAMILIES
    assert name.partition(".")[0] in TOPS


def test_a_family_needs_names_that_there_are():
    assert not [need for family in FAMILIES for need in family.needs if need not in all_names()]
    assert all(HEADS[family.head] is family for family in FAMILIES if family.whole)


def test_a_name_that_ends_in_a_word_of_the_users_is_known_by_its_beginning():
    assert named_of("retry.tries") is None
    assert not [each.prefix for each in NAMED if named_of(each.prefix) is not None]
    assert all(named_of(each.prefix + "x") is each for each in NAMED)


def line(row):
    return f"| `{row.name}` | {row.kind.words} | {default(row)} | {row.help} |"


def default(row):
    """As the page writes it: the built-in value, or a dash where there is none."""
    holder = Policy()
    for step in row.field:
        holder = getattr(holder, step, None)
    return f"`{row.kind.show(holder)}`" if holder not in (None, "", ()) else "-"


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_page_for_people_has_every_name_with_its_values_and_default(row):
    assert line(row) in PAGE


def test_the_page_for_people_has_no_other_name():
    others = {f"{each.prefix}NAME" for each in NAMED} | set(HEADS)
    listed = {name for name in re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE) if not name.startswith("match.")}
    assert not listed - {*ROWS, *others}
    assert not {name for name in others if f"`{name}`: " not in PAGE and f"| `{name}` |" not in PAGE}
