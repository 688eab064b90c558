from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, piped


def test_every_name_is_drained_and_the_way_back_is_shown():
    with FakeAdmin(RECORDED) as fake:
        done = piped("drain", "web-1", "n1", "--why", "repair", TIDEGATE_ADMIN=fake.address)
    assert [asked.body for asked in fake.changes] == [
        {"name": "web-1", "drained": True, "why": "repair"},
        {"name": "n1", "drained": True, "why": "repair"},
    ]
    assert "undo: tidegate undrain web-1 n1" in done.out


def test_undrain_takes_it_back():
    with FakeAdmin(RECORDED) as fake:
        found = piped("undrain", "web-1", "--json", TIDEGATE_ADMIN=fake.address).json
    assert fake.changes[0].body == {"name": "web-1", "drained": False}
    assert (found["data"]["names"], found["data"]["drained"]) == (["web-1"], False)
