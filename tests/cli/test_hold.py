from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, piped


def test_holding_begins_and_ends_with_off():
    with FakeAdmin(RECORDED) as fake:
        begun = piped("hold", "db", "--dry-run", TIDEGATE_ADMIN=fake.address)
        piped("hold", "db", "--off", TIDEGATE_ADMIN=fake.address)
    assert begun.out.startswith("service db keeps requests waiting\n")
    assert begun.out.endswith("dry run: nothing was changed\n")
    assert [(asked.method, asked.query) for asked in fake.changes] == [
        ("PUT", {"dry_run": "true"}),
        ("DELETE", {"wait": "30"}),
    ]
