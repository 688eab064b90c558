from __future__ import annotations

import re
import subprocess

import pytest

from tests.support.tree import ROOT, text, tracked
from tidegate import yamlfile

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"\bmake ([a-z]+)")


def pages():
    return [path for path in tracked() if path.suffix == ".md"]


def blocks(*languages):
    """(place, text) of every fenced block in one of `languages`."""
    return [
        pytest.param(match[2], id=f"{path}:{text(path)[: match.start()].count(chr(10)) + 1}")
        for path in pages()
        for match in BLOCK.finditer(text(path))
        if match[1] in languages
    ]


@pytest.mark.parametrize("block", blocks("sh", "bash", "shell"))
def test_a_shell_block_is_good_shell(block):
    result = subprocess.run(["bash", "-n"], input=block, check=False, capture_output=True, text=True, timeout=10)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("block", blocks("yaml", "yml"))
def test_a_yaml_block_reads_without_a_problem(block):
    document = yamlfile.load(block, "block.yaml")
    assert not document.problems


@pytest.mark.parametrize("path", [path for path in tracked() if path.suffix in {".yaml", ".yml"}], ids=str)
def test_a_yaml_file_of_the_tree_reads_without_a_problem(path):
    assert not yamlfile.load(text(path), str(path)).problems


@pytest.mark.parametrize("path", pages(), ids=str)
def test_links_lead_somewhere(path):
    broken = [link for link in LINK.findall(text(path)) if not (ROOT / path.parent / link).exists()]
    assert not broken


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = {target for path in pages() for match in BLOCK.finditer(text(path)) for target in TARGET.findall(match[2])}
    assert named <= targets


def test_the_readme_is_one_screen_with_the_two_commands():
    readme = text(ROOT / "README.md")
    assert "make demo" in readme
    assert "make test" in readme
    assert len(readme.splitlines()) <= 75


def test_every_decision_is_listed_and_fits_a_page():
    index = text(ROOT / "docs" / "decisions" / "README.md")
    decisions = [path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md"]
    assert not [path.name for path in decisions if path.name not in index]
    assert not [path.name for path in decisions if len(path.read_text("utf-8").split()) > 700]


@pytest.mark.parametrize("path", pages(), ids=str)
def test_files_that_a_page_names_exist(path):
    named = set(re.findall(r"`((?:tidegate|tests|bench|scripts|examples|packaging|docs)/[\w./-]+\.\w+)`", text(path)))
    assert not sorted(name for name in named if not (ROOT / name).exists())


def test_each_invariant_names_the_test_that_shows_it():
    """A row is `| 3 | what | `path::name`, ... |`; a bare path stands for the whole file."""
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", text(ROOT / "docs" / "architecture.md"), re.MULTILINE)
    named = {number: re.findall(r"`(tests/[^`]+)`", tests) for number, tests in rows}
    assert sorted(map(int, named)) == list(range(1, 11))
    assert all(named.values())
    assert not [(number, test) for number, tests in named.items() for test in tests if not exists(test)]


def exists(test):
    path, _, name = test.partition("::")
    return (ROOT / path).exists() and (not name or f"def {name}(" in text(ROOT / path))
