from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, piped
from tidegate.cli.explain import question


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("http://shop.test/a", {"url": "http://shop.test/a"}),
        ("shop.test", {"url": "http://shop.test"}),
        ("shop.test/a?b", {"url": "http://shop.test/a?b"}),
        ("web-1", {"container": "web-1"}),
    ],
)
def test_a_url_is_told_from_a_container(what, asked):
    assert question(what) == asked


def test_the_steps_are_printed_as_they_are_with_problems_after():
    with FakeAdmin(RECORDED) as fake:
        done = piped("explain", "shop.test", TIDEGATE_ADMIN=fake.address)
    assert matches_golden("explain.pipe", done.out)
    assert fake.asked[0].query == {"url": "http://shop.test"}


def test_a_request_is_described_by_options():
    with FakeAdmin(RECORDED) as fake:
        options = ("-X", "POST", "-H", "X-Beta: 1", "--cookie", "a=1", "--cookie", "b=2", "--from", "10.0.0.1")
        assert piped("explain", "shop.test", *options, TIDEGATE_ADMIN=fake.address).code == 0
    assert fake.asked[0].query == {
        "url": "http://shop.test",
        "method": "POST",
        "headers": "X-Beta: 1\nCookie: a=1; b=2",
        "from": "10.0.0.1",
    }


def test_a_container_is_asked_for_without_a_request():
    done = piped("explain", "web-1", "-X", "POST")
    assert done.code != 0
    assert "web-1 is a container" in done.err


REPLICA = {"service": "shop/web", "slot": 3, "steps": ["shop/web: 3 wanted, 2 placed, 2 ready", "shop/web 3 waits"]}
STACKS = {
    "GET /v1/stacks": {"stacks": [{"name": "shop", "names": ["web"]}]},
    "GET /v1/stacks/shop/services/web/explain": REPLICA,
}


@pytest.mark.parametrize(("what", "slot"), [("shop/web", {}), ("shop/web/3", {"slot": "3"})])
def test_a_replica_of_a_stack_is_asked_for_by_its_service_and_slot(what, slot):
    with FakeAdmin(RECORDED | STACKS) as fake:
        done = piped("explain", what, TIDEGATE_ADMIN=fake.address)
        found = piped("explain", what, "--json", TIDEGATE_ADMIN=fake.address).json
    assert done.out.splitlines() == REPLICA["steps"]
    assert (found["schema"], found["data"]) == ("tidegate.explain.replica/1", REPLICA)
    assert fake.asked[1].query == slot


@pytest.mark.parametrize("what", ["shop/other", "host/web", "http://shop/web"])
def test_what_no_stack_has_is_a_url(what):
    with FakeAdmin(RECORDED | STACKS) as fake:
        assert piped("explain", what, TIDEGATE_ADMIN=fake.address).code == 0
    assert fake.asked[-1].query == {"url": what if "://" in what else f"http://{what}"}
