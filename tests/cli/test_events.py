from __future__ import annotations

import json

from tests.support.cli import EVENTS, RECORDED, FakeAdmin, piped


def test_the_past_is_a_table():
    with FakeAdmin(RECORDED) as fake:
        done = piped("events", "-n", "2", "--after", "0", TIDEGATE_ADMIN=fake.address)
    assert done.out.splitlines() == [
        "TIME\tKIND\tWHAT\tWHO\tWHY",
        "1970-01-01T00:00:01Z\troute\tshop.test/ appeared\t\t",
        "1970-01-01T00:00:02Z\tweights\tshop.test/ goes to v2\tuid 0\ttry",
    ]
    assert fake.asked[0].query == {"limit": "2", "after": "0"}


def test_json_is_the_apis_own_list():
    with FakeAdmin(RECORDED) as fake:
        assert piped("events", "--json", TIDEGATE_ADMIN=fake.address).json["data"] == EVENTS


def test_following_goes_on_where_the_past_ended():
    with FakeAdmin(RECORDED) as fake:
        done = piped("events", "-f", TIDEGATE_ADMIN=fake.address)
        lines = piped("events", "-f", "--json", TIDEGATE_ADMIN=fake.address).out.splitlines()
    assert [line.split("\t")[2] for line in done.out.splitlines()] == [
        "shop.test/ appeared",
        "shop.test/ goes to v2",
        "db.test/ is on hold",
    ]
    assert [json.loads(line)["id"] for line in lines] == [1, 3, 5]
