from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, on_terminal, piped, plain
from tests.support.told import BACK, COMPLETE, PLAN, WAITING, found, told

PATH = "/v1/releases/shop/web"


@pytest.fixture
def fake():
    made = PLAN | {"number": 3, "dry_run": False}
    with FakeAdmin(RECORDED | {f"POST {PATH}": made, f"GET {PATH}": found(COMPLETE)}) as fake:
        yield fake


def deploy(fake, *arguments):
    return piped("deploy", *arguments, TIDEGATE_ADMIN=fake.address)


def test_the_plan_is_asked_for_shown_and_then_carried_out_as_it_was_shown(fake):
    done = deploy(fake, "shop/web", "--image", "shop:2", "--canary", "5,25")
    assert done.code == 0
    planned, made = fake.changes
    assert planned.query == {"dry_run": "true"}
    assert planned.body == {"image": "shop:2", "strategy": "canary", "shares": [5, 25]}
    assert made.query == {}
    assert made.body == planned.body | {"revision": "abc1"}
    assert matches_golden("deploy.pipe", done.out)
    assert "share 5 %" in done.err


def test_a_dry_run_only_asks_for_the_plan(fake):
    done = deploy(fake, "shop/web", "--image", "shop:2", "--dry-run")
    assert [asked.query for asked in fake.changes] == [{"dry_run": "true"}]
    assert "1 replica of v2 started" in done.out
    assert done.out.endswith("dry run: nothing was changed\n")


@pytest.mark.parametrize(
    ("release", "code", "said"), [(BACK, 8, "p99 400 ms"), (WAITING, 9, "tidegate promote shop/web")]
)
def test_what_is_not_complete_has_an_exit_code_of_its_own_and_says_who_serves(fake, release, code, said):
    fake.answers[f"GET {PATH}"] = found(release)
    done = deploy(fake, "shop/web", "--version", "v2")
    assert done.code == code
    assert said in done.err
    assert "v1 has" in done.err


def test_it_may_go_on_by_itself(fake):
    done = deploy(fake, "shop/web", "--version", "v2", "--no-wait")
    assert done.code == 0
    assert "tidegate history shop/web" in done.out
    assert not [asked for asked in fake.asked if asked.path == PATH and asked.method == "GET"]


def test_a_deadline_ends_the_waiting_and_not_the_release(fake):
    fake.answers[f"GET {PATH}"] = found(told())
    done = deploy(fake, "shop/web", "--version", "v2", "--deadline", "0.1s")
    assert done.code == 7
    assert "it goes on" in done.err


def test_json_is_one_object(fake):
    done = deploy(fake, "shop/web", "--version", "v2", "--json")
    assert done.json["ok"]
    assert done.json["data"]["state"] == "complete"


def test_a_failed_one_is_told_as_json_too(fake):
    fake.answers[f"GET {PATH}"] = found(BACK)
    done = deploy(fake, "shop/web", "--version", "v2", "--json")
    assert done.code == 8
    assert done.json["errors"][0]["code"] == "T1723"


def test_a_second_release_is_refused_with_the_name_of_the_first(fake):
    problem = {"code": "T2001", "text": "release 3 of shop/web, from v1 to v2, has not ended"}
    fake.answers[f"POST {PATH}"] = (409, {"errors": [problem]})
    done = deploy(fake, "shop/web", "--version", "v3")
    assert done.code == 6
    assert "release 3 of shop/web" in done.err


def test_on_a_terminal_it_is_drawn(fake):
    done = on_terminal("deploy", "shop/web", "--version", "v2", "--yes", TIDEGATE_ADMIN=fake.address)
    assert done.code == 0
    assert "done 100%" in plain(done.out)
    assert "2/2 ready" in plain(done.out)
