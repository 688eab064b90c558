from __future__ import annotations

import json

import pytest

from tidegate.control.stored import read_entry
from tidegate.errors import Severity
from tidegate.store.port import Entry


def read(kind, value, *, raw=None, target="shop/web"):
    payload = json.dumps({"value": value}).encode() if raw is None else raw
    return read_entry(Entry(key=f"overrides/{kind}/{target}", value=payload, revision=7))


def settings(**said):
    return read("settings", {name.replace("__", "."): text for name, text in said.items()})


def test_an_override_that_is_understood_has_nothing_unread():
    setting, unread = settings(retry__tries="1")
    assert setting.value == {"retry.tries": "1"}
    assert unread is None


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("settings", b"{"),
        ("settings", b'{"value": [1]}'),
        ("mode", b'{"value": {"mode": "wild"}}'),
        ("mode", b"[]"),
        ("fence", b'{"value": 1}'),
    ],
)
def test_what_is_not_understood_and_may_protect_closes_its_target(kind, raw):
    setting, unread = read(kind, None, raw=raw)
    assert setting is None
    assert (unread.whole, unread.closes, unread.revision) == (True, True, 7)
    problem = unread.problem()
    assert (problem.code, problem.severity, problem.place) == ("T1313", Severity.ERROR, f"override {kind}/shop/web")
    assert "503" in problem.kept


@pytest.mark.parametrize(("kind", "raw"), [("weights", b'{"value": {"v1": "much"}}'), ("drain", b"[]")])
def test_what_keeps_nobody_out_closes_nothing(kind, raw):
    _, unread = read(kind, None, raw=raw)
    assert not unread.closes
    assert unread.problem().severity is Severity.WARNING


@pytest.mark.parametrize(
    ("name", "closes"),
    [
        ("filter.basic_auth.mode", True),
        ("filter.forward_auth.tokens", True),
        ("filter.alow", True),
        ("filter.rate.window", True),
        ("filter.quantum", True),
        ("tls.clients.chain", True),
        ("retry.jitter", False),
        ("filter.cors.mode", False),
        ("no.such", False),
    ],
)
def test_an_unknown_setting_closes_where_it_may_protect_and_the_others_hold(name, closes):
    setting, unread = read("settings", {"retry.tries": "1", name: "1"})
    assert setting.value["retry.tries"] == "1"
    assert (unread.whole, unread.closes) == (False, closes)
    assert name in unread.problem().text


def test_the_value_of_a_secret_is_not_told():
    _, unread = read("settings", {"filter.basic_auth.mode": "canary"})
    assert "canary" not in str(unread.problem())


@pytest.mark.parametrize(
    ("kind", "mend"),
    [
        ("settings", "tidegate unset a.test"),
        ("mode", "tidegate maint a.test --off"),
        ("weights", "tidegate shift a.test --reset"),
        ("drain", "tidegate undrain a.test"),
    ],
)
def test_the_mend_is_a_command(kind, mend):
    _, unread = read(kind, None, raw=b"{", target="a.test")
    assert unread.problem().mend.endswith(mend)
