from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, on_terminal, piped, plain


@pytest.fixture
def fake():
    with FakeAdmin(RECORDED) as fake:
        yield fake


def shift(fake, *arguments):
    return piped("shift", *arguments, TIDEGATE_ADMIN=fake.address)


def test_one_number_leaves_the_rest_to_the_others(fake):
    done = shift(fake, "shop/web", "v2=10")
    assert done.code == 0
    (asked,) = fake.changes
    assert (asked.method, asked.path) == ("PUT", "/v1/overrides/weights")
    assert asked.body == {"target": "shop/web", "weights": {"v1": 90, "v2": 10, "v3": 0}}
    assert asked.query == {"wait": "30"}
    assert matches_golden("shift.pipe", done.out)


def test_on_a_terminal_the_way_back_is_shown(fake):
    done = on_terminal("shift", "shop/web", "v2=10", TIDEGATE_ADMIN=fake.address)
    assert matches_golden("shift.terminal", plain(done.out) + "\n")


def test_a_route_is_shifted_by_its_host_or_id(fake):
    shift(fake, "shop.test/api", "v1=1", "v2=3", "--no-wait", "--why", "try")
    shift(fake, "shop.test", "v1=0")
    route, host = fake.changes
    assert route.body == {"target": "shop.test/api", "weights": {"v1": 1, "v2": 3}, "why": "try"}
    assert route.query == {}
    assert host.body == {"target": "shop.test", "weights": {"v1": 0, "v2": 100}}


def test_a_dry_run_says_so_and_asks_for_one(fake):
    done = shift(fake, "shop/web", "v2=100", "--dry-run")
    assert fake.changes[0].query == {"dry_run": "true"}
    assert done.out.endswith("dry run: nothing was changed\n")


def test_reset_takes_the_override_away(fake):
    done = shift(fake, "shop/web", "--reset", "--json")
    (asked,) = fake.changes
    assert (asked.method, asked.body) == ("DELETE", {"target": "shop/web"})
    assert done.json["data"]["after"] == {"v1": 75, "v2": 25, "v3": 0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop/web"], "give the weights, or --reset"),
        (["shop/web", "v2=1", "--reset"], "give the weights, or --reset"),
        (["shop/web", "v2"], "v2 is not NAME=WEIGHT"),
        (["shop/web", "v9=1"], "there is no version v9 here"),
        (["shop/web", "v2=200"], "more than 100"),
    ],
)
def test_wrong_weights_are_refused_before_anything_is_asked(fake, arguments, said):
    done = shift(fake, *arguments)
    assert done.code == 2
    assert said in done.err
    assert not fake.changes


def test_an_unknown_target_is_exit_code_4(fake):
    assert shift(fake, "nobody", "v1=1").code == 4


def test_a_change_that_not_all_workers_followed_is_exit_code_7(fake):
    problem = {"code": "T1613", "text": "not all workers followed", "kept": "the change stands"}
    fake.answers["PUT /v1/overrides/weights"] = (504, {"errors": [problem]})
    done = shift(fake, "shop/web", "v2=10")
    assert done.code == 7
    assert "kept  the change stands" in done.err
