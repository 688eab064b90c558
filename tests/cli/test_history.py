from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, piped
from tests.support.told import BACK, SUCCESS, found, told

PATH = "/v1/releases/shop/web"


def test_the_releases_of_a_service_step_by_step():
    earlier = dict(BACK["release"], number=2, reason="latency: p99 400 ms, stable 90 ms")
    answer = found(told(verdicts=[SUCCESS])) | {"earlier": [earlier]}
    with FakeAdmin(RECORDED | {f"GET {PATH}": answer}) as fake:
        done = piped("history", "shop/web", TIDEGATE_ADMIN=fake.address)
        assert done.code == 0
        assert matches_golden("history.pipe", done.out)
        one = piped("history", "shop/web", "-n", "1", "--json", TIDEGATE_ADMIN=fake.address)
        assert [each["number"] for each in one.json["data"]["releases"]] == [3]
