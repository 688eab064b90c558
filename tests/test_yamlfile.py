import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tidegate.yamlfile import MAX_BYTES, load


def found(text):
    return [(problem.code, int(problem.place.rpartition(":")[2])) for problem in load(text, "f.yaml").problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:22", "22:22"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("-007", "-007"),
        ("0", 0),
        ("0.5", 0.5),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    document = load(f"a: {text}\n", "f.yaml")
    assert document.problems == ()
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


def test_an_empty_file_is_nothing_and_no_problem():
    assert (load("", "f").data, load("# only words\n", "f").data, load("", "f").problems) == (None, None, ())


def test_every_repeated_key_is_refused_with_both_lines():
    document = load("a: 1\nb: {x: 1, x: 2}\na: 3\n", "f.yaml")
    assert [(problem.place, problem.cause) for problem in document.problems] == [
        ("f.yaml:2", "first at line 2, again at line 2"),
        ("f.yaml:3", "first at line 1, again at line 3"),
    ]
    assert document.data == {"a": 1, "b": {"x": 1}}


def test_every_key_and_item_knows_its_line():
    document = load("services:\n  web:\n    endpoints:\n      - a\n      - b\n", "f.yaml")
    assert document.line(("services", "web", "endpoints", 1)) == 5
    assert document.line(("services", "web", "endpoints", 7)) == 3
    assert document.line(("routes",)) == 1
    assert document.place(("services", "web")) == "f.yaml:2"


def test_merge_keys_fill_in_what_is_not_written_and_keep_its_line():
    document = load("x: &x\n  p: 1\n  q: [1]\ny:\n  p: 9\n  <<: *x\nz:\n  <<: [{p: 3}, *x]\n", "f.yaml")
    assert document.data["y"] == {"p": 9, "q": [1]}
    assert document.data["z"] == {"p": 3, "q": [1]}
    assert (document.line(("y", "p")), document.line(("y", "q"))) == (5, 3)


def test_an_alias_is_a_copy_not_the_same_object():
    data = load("a: &a [1]\nb: *a\n", "f").data
    data["a"].append(2)
    assert data["b"] == [1]


def test_one_syntax_error_does_not_hide_the_next():
    text = "a: [1, 2\nb: 3\ns:\n  web:\n    v: 1\n   e: []\n    p: 3\nr:\n  - {h: a, p: [}\n  - {h: b}\n  - x: ]\nc: 'open\nd: 1\n"
    assert load(text, "f.yaml").data is None
    assert [line for _, line in found(text)] == [2, 6, 9, 11, 14]


def test_repeated_keys_before_a_syntax_error_are_told_too():
    assert found("a: 1\na: 2\nb: ]\n") == [("T1251", 2), ("T1250", 3)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x [*x]\n", ("T1250", 1)),
        ("a: *x\n", ("T1250", 1)),
        ("a: 1\n---\nb: 1\n", ("T1250", 2)),
        ("? [a]\n: 1\n", ("T1250", 1)),
        ("a: !reset 1\n", ("T1250", 1)),
        ("a: !!int x\n", ("T1250", 1)),
        ("a: 1\n<<: 3\n", ("T1250", 2)),
        ("\n\ta: 1\n", ("T1250", 2)),
        ("a: 1\nb: \x00\n", ("T1250", 2)),
        ("a: \ud800\n", ("T1250", 1)),
        ("[" * 100_000, ("T1253", 1)),
        ("x" * (MAX_BYTES + 1), ("T1252", 1)),
        ("é" * MAX_BYTES, ("T1252", 1)),
    ],
)
def test_what_cannot_be_meant_is_refused(text, problem):
    assert found(text) == [problem]


def test_a_file_that_explodes_through_aliases_is_refused_before_it_does():
    bomb = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    assert found(bomb) == [("T1253", 6)]


@given(st.text(alphabet="ab:-[]{}'\"&*!|>#?,<\n\t 1~%@", max_size=80))
def test_no_text_makes_it_raise_and_broken_text_gives_no_data(text):
    document = load(text, "f")
    if any(problem.code == "T1250" for problem in document.problems):
        assert document.data is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["C"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_a_yaml_writer_wrote_is_read_back(value):
    document = load(yaml.safe_dump(value, allow_unicode=True), "f")
    assert document.problems == ()
    assert document.data == value
