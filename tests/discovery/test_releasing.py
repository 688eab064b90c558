from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.releasing import is_word, nearest_word, read_release, release_names, version_of
from tidegate.model import ReleasePolicy
from tidegate.policy import FieldMatch, Match
from tidegate.release.gate_text import gates_of, line_of
from tidegate.release.spec import Retire, Strategy


def read(operator=False, **given_):
    return read_release({name.replace("__", "."): text for name, text in given_.items()}, operator=operator)


def test_everything_that_can_be_said_is_understood():
    found = read(
        strategy="Canary",
        canary="5, 25,50",
        hold_seconds="90",
        confirm="true",
        retire="remove",
        preview__header="X-Preview=v2",
        preview__cookie="beta",
        gate__success="99.5%",
        gate__query__errors="sum(rate(errors[1m])) < 0.05",
    )
    assert found.policy == ReleasePolicy(
        strategy="canary",
        shares=(5, 25, 50),
        hold_seconds=90.0,
        confirm=True,
        retire="remove",
        previews=(
            Match(headers=(FieldMatch(name="x-preview", value="v2"),)),
            Match(cookies=(FieldMatch(name="beta"),)),
        ),
        gates={"success": "99.5%", "query.errors": "sum(rate(errors[1m])) < 0.05"},
    )
    assert not found.wrong
    assert not found.unknown


def test_gates_read_as_the_release_reads_them():
    policy = read(gate__latency="ratio=1.5", gate__restarts="off").policy
    assert len(gates_of(line_of(name, bound) for name, bound in policy.gates.items())) == 3


def test_who_says_nothing_has_no_policy():
    assert read().policy is None


@pytest.mark.parametrize(("word", "strategy"), [("canary", "canary"), ("parallelism", "rolling")])
def test_words_of_one_strategy_name_it(word, strategy):
    assert read(**{word: "5"}).policy.strategy == strategy


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("strategy", "canry", "canary"),
        ("canary", "25, 5", "do not rise"),
        ("canary", "0", "whole number"),
        ("canary", "5;25", "whole number"),
        ("hold_seconds", "-1", "seconds"),
        ("confirm", "yes", "neither true nor false"),
        ("parallelism", "0", "whole number"),
        ("retire", "delete", "choice"),
        ("preview.header", "x y=1", "header name"),
        ("preview.cookie", "=1", "write NAME=VALUE"),
        ("gate.success", "most", "gate success"),
        ("gate.query.up", "up", "condition"),
        ("gate.hook.load", "https://ci.test/", "not for labels"),
    ],
)
def test_one_wrong_word_makes_all_of_it_wrong(name, text, said):
    found = read_release({"confirm": "true", name: text}, operator=False)
    assert found.policy is None
    ((wrong, fault),) = found.wrong
    assert wrong == name
    assert said in f"{fault.text} {fault.mend}"


def test_an_unknown_word_is_told_with_the_nearest_one():
    found = read(cannary="5")
    assert found.policy is None
    ((name, fault),) = found.unknown
    assert (name, fault.mend) == ("cannary", "did you mean release.canary?")
    assert nearest_word("gate.query.NAMES") == "gate.query.NAME"


def test_a_file_may_name_the_address_of_a_hook():
    assert read(operator=True, gate__hook__load="https://ci.test/gate").policy.gates == {
        "hook.load": "https://ci.test/gate"
    }


@pytest.mark.parametrize("given_", [{"strategy": "rolling", "canary": "5"}, {"strategy": "canary", "parallelism": "2"}])
def test_words_of_two_strategies_are_refused(given_):
    assert len(read(**given_).wrong) == 1


def test_the_words_are_those_of_releases():
    for word in Strategy:
        assert read(strategy=word.value).policy.strategy == word
    for word in Retire:
        assert read(retire=word.value).policy.retire == word
    assert all(map(is_word, release_names()))
    assert not is_word("gate.query")


@given(st.dictionaries(st.sampled_from([*release_names(), "gate.query.a", "x"]), st.text(max_size=40), max_size=4))
def test_whatever_is_said_is_understood_as_a_whole_or_told(said):
    found = read_release(said, operator=False)
    assert (found.policy is not None) == bool(said and not found.wrong and not found.unknown)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("nginx:1.27", "1.27"),
        ("registry.test:5000/shop/web:2.0-rc1", "2.0-rc1"),
        ("registry.test:5000/shop/web", "0123456789ab"),
        ("web:latest", "0123456789ab"),
        ("web@sha256:feedfacefeedfacefeed", "feedfacefeed"),
        ("web:3@sha256:feedfacefeedfacefeed", "3"),
        ("sha256:abcdefabcdefabcdef", "abcdefabcdef"),
        ("web:_x", "x"),
        ("", "0123456789ab"),
    ],
)
def test_the_version_of_an_image(image, version):
    assert version_of(image, "sha256:0123456789abcdef") == version
