from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, piped

PATH = "/v1/quotas/shop"
(QUOTA,) = RECORDED["GET /v1/quotas"]["quotas"]


def test_a_quota_is_set_and_what_is_used_is_said():
    with FakeAdmin(RECORDED | {f"PUT {PATH}": QUOTA}) as fake:
        options = ("--cpus", "4", "--memory", "8g", "--why", "a small team")
        done = piped("quota", "shop", *options, TIDEGATE_ADMIN=fake.address)
    assert done.out == "shop sets aside 0.5/4 CPU, 1.0/8.0 GiB, 3 replicas\n"
    assert fake.changes[0].body == {"cpus": 4.0, "memory": 8 << 30, "why": "a small team"}


def test_a_quota_is_taken_away():
    with FakeAdmin(RECORDED | {f"DELETE {PATH}": {**QUOTA, "limited": False}}) as fake:
        done = piped("quota", "shop", "--off", "--json", TIDEGATE_ADMIN=fake.address)
    assert (done.json["schema"], done.json["data"]["limited"]) == ("tidegate.quota/1", False)


@pytest.mark.parametrize("options", [(), ("--off", "--cpus", "1"), ("--memory", "much")])
def test_what_says_nothing_or_both_is_refused(options):
    assert piped("quota", "shop", *options).code == 2


def test_quotas_are_listed():
    with FakeAdmin(RECORDED) as fake:
        done = piped("ls", "quotas", TIDEGATE_ADMIN=fake.address)
    assert done.out.splitlines()[1].split("\t")[:4] == ["shop", "0.5/4", "1.0/8.0 GiB", "3"]
