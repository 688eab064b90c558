from __future__ import annotations

import pytest

from tests.support.cli import CHANGED, RECORDED, FakeAdmin
from tidegate.cli.change import options, target, tell
from tidegate.cli.client import Admin, parse
from tidegate.cli.session import Session


@pytest.mark.parametrize(
    ("dry_run", "wait", "timeout", "query"),
    [
        (False, True, 30.0, {"wait": "30"}),
        (False, True, 900.0, {"wait": "300"}),
        (False, False, 30.0, {}),
        (True, True, 30.0, {"dry_run": True}),
    ],
)
def test_a_change_waits_unless_it_is_only_tried(dry_run, wait, timeout, query):
    session = Session()
    session.timeout_seconds = timeout
    assert options(session, dry_run=dry_run, wait=wait) == query


def test_a_target_is_looked_up_among_services_and_routes():
    with FakeAdmin(RECORDED) as fake:
        assert target(Admin(parse(fake.address), "", 5.0), "db.test").key == "db.test/"


def test_what_changed_is_told_under_what_was_asked(capsys):
    tell(Session(), "mode", {}, ["asked"], CHANGED, dry_run=True)
    assert capsys.readouterr().out.splitlines() == [
        "asked",
        "  shop.test/ goes to shop/web v1 90, shop/web v2 10",
        "dry run: nothing was changed",
    ]
