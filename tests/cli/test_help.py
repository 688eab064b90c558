from __future__ import annotations

from tests.support.cli import piped
from tests.support.tree import ROOT
from tidegate.cli.help import error_pages


def test_a_code_is_explained_by_its_page():
    done = piped("help", "t1707")
    assert done.out == (ROOT / "docs" / "errors" / "T1707.md").read_text()


def test_the_packed_pages_are_those_of_the_docs():
    assert error_pages() == {path.stem: path.read_text() for path in sorted((ROOT / "docs" / "errors").glob("T*.md"))}


def test_a_verb_is_explained_by_its_help():
    assert piped("help", "shift").out.splitlines()[0] == "Usage: tidegate shift [OPTIONS] NAME VERSION=WEIGHT..."


def test_no_topic_is_the_general_help():
    assert piped("help").out == piped("--help").out


def test_codes_are_listed_one_a_line():
    lines = piped("help", "codes").out.splitlines()
    assert "T1707 no such service or route" in lines
    assert len(lines) == len(error_pages())


def test_an_unknown_topic_is_exit_code_4_with_the_nearest():
    done = piped("help", "T170")
    assert done.code == 4
    assert "did you mean T17" in done.err
    assert "did you mean shift?" in piped("help", "shfit").err
