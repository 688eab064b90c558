from __future__ import annotations

import pytest

from tests.support.asks import ask


def test_setting_a_field_replaces_all_of_its_name():
    asked = ask("/", "X-A: 1", "x-a: 2")
    asked.set(b"X-A", b"3")
    assert asked.head.fields == b"Host: a.test\r\nX-A: 3\r\n"


def test_another_path_keeps_the_query():
    asked = ask("/x?y=?")
    asked.go_to(b"/z")
    assert (asked.head.target, asked.head.path) == (b"/z?y=?", b"/z")


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ("client", b"192.0.2.1"),
        ("all", b""),
        ("header:X-Tenant", b"t"),
        ("header:x-none", None),
        ("cookie:id", b"7"),
        ("cookie:ID", None),
    ],
)
def test_a_key_is_what_its_spec_names(spec, key):
    assert ask("/", "X-Tenant: t", "Cookie: id=7").key(spec) == key
