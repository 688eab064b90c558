from __future__ import annotations

from tidegate.http1.characters import PLAIN_NAME, TARGET, TOKEN, VALUE, table


def members(classes):
    return {octet for octet in range(256) if classes[octet]}


def test_a_table_says_of_each_octet_whether_it_belongs():
    assert table(b"ab") == bytes(97) + b"\1\1" + bytes(157)


def test_no_class_holds_what_ends_a_line():
    assert not any(classes[octet] for classes in (TOKEN, PLAIN_NAME, VALUE, TARGET) for octet in b"\r\n\0\x7f")


def test_tokens_are_visible_and_without_delimiters():
    assert members(TOKEN) == set(range(0x21, 0x7F)) - set(b'"(),/:;<=>?@[\\]{}')
    assert members(TOKEN) - members(PLAIN_NAME) == {ord("_")}


def test_values_hold_everything_but_controls():
    assert members(VALUE) == set(range(256)) - set(range(32)) - {127} | {9}


def test_targets_are_visible_ascii_without_a_fragment():
    assert members(TARGET) == set(range(0x21, 0x7F)) - {ord("#")}
