from __future__ import annotations

import ast
import re

from tests.support.tree import parsed, sources, text

NAME = re.compile(r"tidegate_[a-z]+(_[a-z0-9]+)+")
PAGE = "docs/metrics.md"
FOREIGN_UNITS = re.compile(r"_(ms|milliseconds|us|microseconds|minutes|kb|kib|mb|mib|percent)(_|$)")


def names_in_sources():
    """Every string that looks like a metric's name, with where it stands."""
    return {
        node.value: f"{path}:{node.lineno}"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
    }


def rows():
    """Name -> kind, from the table of the page."""
    return dict(re.findall(r"^\| `(tidegate_\w+)` \| (\w+) \|", text(PAGE), re.MULTILINE))


def families_in_sources():
    """A name made of parts, as `f"tidegate_router_{what}_bytes_total"`, as a pattern, with where it stands."""
    found = {}
    for path in sources():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
                pattern = "".join(r"\w+" if part is None else re.escape(part) for part in parts)
                if re.match(r"tidegate_[a-z]+_[\w\\+]+$", pattern):
                    found[pattern] = f"{path}:{node.lineno}"
    return found


def test_every_metric_is_described():
    described = rows()
    assert not {name: place for name, place in names_in_sources().items() if name not in described}
    families = families_in_sources().items()
    assert not {
        family: place for family, place in families if not any(re.fullmatch(family, name) for name in described)
    }


def test_every_described_metric_exists():
    families = families_in_sources()
    unknown = set(rows()) - set(names_in_sources())
    assert not [name for name in unknown if not any(re.fullmatch(family, name) for family in families)]


def test_a_metric_is_described_once():
    names = re.findall(r"^\| `(tidegate_\w+)` \|", text(PAGE), re.MULTILINE)
    assert sorted(names) == sorted(set(names))


def test_units_are_seconds_and_bytes():
    assert not [name for name in {*rows(), *names_in_sources()} if FOREIGN_UNITS.search(name)]


def test_only_counters_end_in_total():
    assert not [name for name, kind in rows().items() if name.endswith("_total") != (kind == "counter")]


def test_a_histogram_names_its_unit():
    assert not [
        name for name, kind in rows().items() if kind == "histogram" and not name.endswith(("_seconds", "_bytes"))
    ]


def called_with_a_name():
    """(method, name, place) of every `metrics.count("...")` and its like."""
    for path in sources():
        for node in ast.walk(parsed(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and "metrics" in ast.unparse(node.func):
                yield node.func.attr, first.value, f"{path}:{node.lineno}"


def test_what_is_counted_carries_a_full_name():
    methods = {"count", "gauge", "observe"}
    assert not [
        (name, place) for method, name, place in called_with_a_name() if method in methods and not NAME.fullmatch(name)
    ]
