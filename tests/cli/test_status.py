from __future__ import annotations

from tests.support.cli import RECORDED, SERVICES, STATUS, FakeAdmin, matches_golden, on_terminal, piped, plain
from tidegate.cli.status import head


def test_the_screen_in_a_pipe():
    with FakeAdmin(RECORDED) as fake:
        done = piped("status", TIDEGATE_ADMIN=fake.address)
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    assert matches_golden("status.pipe", done.out)


def test_the_screen_on_a_terminal():
    with FakeAdmin(RECORDED) as fake:
        done = on_terminal("status", TIDEGATE_ADMIN=fake.address)
    assert done.code == 0
    assert "\x1b[" in done.out
    assert matches_golden("status.terminal", plain(done.out) + "\n")


def test_no_color_takes_the_colours_and_leaves_the_table():
    with FakeAdmin(RECORDED) as fake:
        done = on_terminal("status", "--no-color", TIDEGATE_ADMIN=fake.address)
    assert matches_golden("status.terminal", plain(done.out) + "\n")
    assert "\x1b[3" not in done.out


def test_json_has_all_four_answers():
    with FakeAdmin(RECORDED) as fake:
        found = piped("status", "--json", TIDEGATE_ADMIN=fake.address).json
    assert found["schema"] == "tidegate.status/1"
    assert found["data"]["services"] == SERVICES
    assert found["data"]["status"] == STATUS


def test_the_head_says_when_nothing_needs_the_reader():
    assert head(STATUS | {"problems": 0}).endswith("1 worker · nothing needs you")


def test_not_being_ready_is_said_first():
    answers = RECORDED | {"GET /v1/status": STATUS | {"ready": False, "waiting_for": ["docker"]}}
    with FakeAdmin(answers) as fake:
        done = piped("status", TIDEGATE_ADMIN=fake.address)
    assert done.out.splitlines()[1] == "! not ready: waits for docker"


def test_a_cluster_is_told_with_who_leads_and_a_lost_store_with_what_that_means():
    cluster = {"leader": "n2", "joined": False, "index": 1, "nodes": 3, "lost": "the cluster's store does not answer"}
    with FakeAdmin(RECORDED | {"GET /v1/status": STATUS | {"cluster": cluster}}) as fake:
        done = piped("status", TIDEGATE_ADMIN=fake.address)
    assert "of 3 nodes, led by n2" in done.out
    assert (
        "! the cluster's store does not answer: routers keep the last routes, nothing is scaled or released" in done.out
    )
