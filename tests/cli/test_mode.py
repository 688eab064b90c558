from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin
from tidegate.cli.mode import switch
from tidegate.cli.session import Session


@pytest.mark.parametrize(
    ("mode", "method", "body"),
    [
        ("hold", "PUT", {"target": "db", "mode": "hold", "why": "w"}),
        ("maintenance", "PUT", {"target": "db", "mode": "maintenance", "message": "m", "why": "w"}),
        ("normal", "DELETE", {"target": "db", "why": "w"}),
    ],
)
def test_a_mode_is_set_or_taken_away(capsys, mode, method, body):
    session = Session()
    with FakeAdmin(RECORDED) as fake:
        session.admin = fake.address
        switch(session, "db", mode, message="m" if mode == "maintenance" else "", dry_run=False, wait=True, why="w")
    (asked,) = fake.changes
    assert (asked.method, asked.path, asked.body) == (method, "/v1/overrides/mode", body)
    assert capsys.readouterr().out.startswith("service db ")
