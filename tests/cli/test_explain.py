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
