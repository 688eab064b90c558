from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, piped


def test_maintenance_begins_with_its_text_and_ends_with_off():
    with FakeAdmin(RECORDED) as fake:
        begun = piped("maint", "shop.test", "--message", "back at noon", TIDEGATE_ADMIN=fake.address)
        ended = piped("maint", "shop.test", "--off", TIDEGATE_ADMIN=fake.address)
    assert "undo: tidegate maint shop.test --off" in begun.out
    assert ended.out.startswith("host shop.test forwards requests\n")
    assert fake.changes[0].body == {"target": "shop.test", "mode": "maintenance", "message": "back at noon"}
    assert fake.changes[1].method == "DELETE"
