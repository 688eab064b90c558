from __future__ import annotations

import re

from tests.support.tree import ROOT, text, tracked

TEXT_SUFFIXES = {
    ".py",
    ".pxd",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".sh",
    ".service",
    ".cfg",
    ".html",
    ".js",
    ".css",
    "",
}
# Folders of one person's machine, and addresses of package indexes and mirrors.
PLACES = re.compile(
    r"(?<![\w.])/(work|root|Users|home/(?!a/|user/)\w+)/|file:///opt|pypi\.org/simple|--(extra-)?index-url|find-links"
)
MAY_NAME_PLACES = {"tests/policy/test_tree.py"}
LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def readable():
    return (path for path in tracked() if path.suffix in TEXT_SUFFIXES and str(path) not in MAY_NAME_PLACES)


def found(pattern):
    return [
        f"{path}:{number}: {line.strip()}"
        for path in readable()
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_machine_or_a_package_index():
    assert not found(PLACES)


def test_nothing_is_left_for_later():
    assert not found(LEFTOVERS)


def test_the_changelog_has_a_place_for_the_next_change():
    assert re.search(r"^## Unreleased$", text(ROOT / "CHANGELOG.md"), re.MULTILINE)


def test_no_module_is_called_by_what_says_nothing():
    vague = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
    assert not [path for path in tracked() if path.suffix == ".py" and path.stem in vague]


def test_generated_files_stay_out():
    assert not [path for path in tracked() if path.suffix in {".so", ".c", ".pyc"}]


def test_no_merge_left_its_marks():
    assert not found(re.compile(r"^(<{7} |>{7} )"))
