from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.matcher import HostEntry, Matcher

labels = st.sampled_from(["a", "b", "api", "x-y"])
names = st.lists(labels, min_size=1, max_size=4).map(".".join)
hosts = st.tuples(st.booleans(), names).map(lambda pair: ("*." if pair[0] else "") + pair[1])
paths = st.lists(st.sampled_from(["a", "ab", "", "api"]), max_size=3).map(lambda parts: "/" + "/".join(parts))
rules = st.sets(st.tuples(hosts, paths.map(lambda path: path.rstrip("/") or "/")), max_size=12)


def build(routes):
    by_host = {}
    for host, path in routes:
        by_host.setdefault(host, []).append((path.encode(), host + path))
    return Matcher().with_hosts({host.encode(): HostEntry(found) for host, found in by_host.items()})


def naive(routes, host, path):
    """What the docstring promises, said in the slowest way."""
    chosen = host if any(name == host for name, _ in routes) else "*." + host.partition(".")[2]
    if chosen != host and "." not in host:
        return None
    fits = [
        prefix
        for name, prefix in routes
        if name == chosen and (prefix == "/" or path == prefix or path.startswith(prefix + "/"))
    ]
    return chosen + max(fits, key=len) if fits else None


@given(rules, names, paths)
def test_it_finds_what_the_naive_reading_finds(routes, host, path):
    assert build(routes).match(host.encode(), path.encode()) == naive(routes, host, path)


@pytest.mark.parametrize("number", [1, 101, 10_000])
def test_any_number_of_hosts_is_told_apart(number):
    matcher = build([(f"h{n}.test", "/") for n in range(number)])
    for n in {0, number // 2, number - 1}:
        assert matcher.match(b"h%d.test" % n, b"/x") == f"h{n}.test/"
    assert matcher.match(b"h%d.test" % number, b"/x") is None


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/api", "/api"),
        (b"/api/", "/api"),
        (b"/api/x", "/api"),
        (b"/api/v2", "/api/v2"),
        (b"/api/v2x", "/api"),
        (b"/apix", None),
        (b"/", None),
        (b"*", None),
        (b"/API", None),
        (b"//api", None),
    ],
)
def test_prefixes_end_at_segments_and_the_longest_wins(path, found):
    matcher = build([("a.test", "/api"), ("a.test", "/api/v2")])
    assert matcher.match(b"a.test", path) == (found and "a.test" + found)


@pytest.mark.parametrize(
    ("host", "found"),
    [
        (b"x.a.test", "*.a.test/"),
        (b"a.test", None),
        (b"y.x.a.test", None),
        (b".a.test", None),
        (b"xa.test", None),
        (b"own.a.test", None),
        (b"", None),
        (b"a.test.", None),
    ],
)
def test_a_wildcard_stands_for_exactly_one_label_and_never_behind_an_exact_host(host, found):
    assert build([("*.a.test", "/"), ("own.a.test", "/only")]).match(host, b"/x") == found


def test_a_change_shares_the_entries_it_does_not_touch():
    first = build([("a.test", "/"), ("b.test", "/"), ("*.c.test", "/")])
    second = first.with_hosts({b"b.test": None, b"*.d.test": HostEntry([(b"/", "d")])})
    assert second.exact[b"a.test"] is first.exact[b"a.test"]
    assert second.wildcard[b".c.test"] is first.wildcard[b".c.test"]
    assert first.match(b"b.test", b"/") == "b.test/"
    assert second.match(b"b.test", b"/") is None
    assert second.match(b"x.d.test", b"/") == "d"
    assert first.match(b"x.d.test", b"/") is None


def test_a_host_with_no_path_but_the_root_leads_straight_to_its_target():
    matcher = build([("a.test", "/"), ("b.test", "/x")])
    assert matcher.host(b"a.test") == "a.test/"
    assert isinstance(matcher.host(b"b.test"), HostEntry)


def test_removing_what_is_not_there_changes_nothing():
    assert build([("a.test", "/")]).with_hosts({b"z.test": None, b"*.z.test": None}).match(b"a.test", b"/") == "a.test/"
