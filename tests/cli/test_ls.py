from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, on_terminal, piped, plain

NAMES = {"certs": "certificates"}
KINDS = ["services", "routes", "endpoints", "certs", "nodes", "scaling"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_in_a_pipe_on_a_terminal_and_as_json(kind):
    with FakeAdmin(RECORDED) as fake:
        pipe = piped("ls", kind, TIDEGATE_ADMIN=fake.address)
        terminal = on_terminal("ls", kind, TIDEGATE_ADMIN=fake.address)
        found = piped("ls", kind, "--json", TIDEGATE_ADMIN=fake.address).json
    assert matches_golden(f"ls.{kind}.pipe", pipe.out)
    assert matches_golden(f"ls.{kind}.terminal", plain(terminal.out) + "\n")
    assert (found["schema"], found["data"]) == (
        f"tidegate.ls.{kind}/1",
        RECORDED[f"GET /v1/{NAMES.get(kind, kind)}"][NAMES.get(kind, kind)],
    )
    assert len({line.count("\t") for line in pipe.out.splitlines()}) == 1


def test_services_are_listed_unless_something_else_is_asked_for():
    with FakeAdmin(RECORDED) as fake:
        assert piped("ls", TIDEGATE_ADMIN=fake.address) == piped("ls", "services", TIDEGATE_ADMIN=fake.address)
