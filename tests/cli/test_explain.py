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
