from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, piped


def test_a_service_with_its_routes_and_problems():
    with FakeAdmin(RECORDED) as fake:
        done = piped("show", "shop/web", TIDEGATE_ADMIN=fake.address)
        found = piped("show", "shop/web", "--json", TIDEGATE_ADMIN=fake.address).json
    assert matches_golden("show.pipe", done.out)
    assert [route["id"] for route in found["data"]["routes"]] == ["shop.test/", "shop.test/api"]


def test_an_unknown_service_is_exit_code_4():
    with FakeAdmin(RECORDED) as fake:
        done = piped("show", "shop/wbe", TIDEGATE_ADMIN=fake.address)
    assert done.code == 4
    assert "did you mean shop/web?" in done.err


def test_an_ambiguous_name_is_told_with_what_it_may_mean():
    with FakeAdmin(RECORDED) as fake:
        done = piped("show", "web", "--json", TIDEGATE_ADMIN=fake.address)
    assert done.code == 1
    assert done.json["errors"][0]["code"] == "T1708"
