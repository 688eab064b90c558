from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, piped
from tests.support.told import BACK, COMPLETE, WAITING, found, told

PATH = "/v1/releases/shop/web"


@pytest.fixture
def fake():
    verbs = {f"POST {PATH}/{verb}": told() for verb in ("promote", "pause", "resume", "abort", "rollback")}
    with FakeAdmin(RECORDED | verbs | {f"GET {PATH}": found(COMPLETE)}) as fake:
        yield fake


@pytest.mark.parametrize("verb", ["promote", "pause", "resume", "abort", "rollback"])
def test_a_verb_is_said_to_the_release_with_its_reason(fake, verb):
    done = piped(verb, "shop/web", "--why", "so", TIDEGATE_ADMIN=fake.address)
    assert done.code == 0
    (asked,) = fake.changes
    assert (asked.path, asked.body) == (f"{PATH}/{verb}", {"why": "so"})
    assert "v2 has 25%, 42s left" in done.out


def test_promote_may_go_to_the_end_and_keep_the_weights(fake):
    piped("promote", "shop/web", "--full", "--keep", TIDEGATE_ADMIN=fake.address)
    assert fake.changes[0].body == {"full": True, "keep": True}


@pytest.mark.parametrize(("release", "code"), [(COMPLETE, 0), (BACK, 8), (WAITING, 9)])
def test_with_wait_the_end_is_the_exit_code(fake, release, code):
    fake.answers[f"GET {PATH}"] = found(release)
    assert piped("promote", "shop/web", "--wait", TIDEGATE_ADMIN=fake.address).code == code
