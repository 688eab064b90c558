from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, matches_golden, piped
from tests.support.told import FETCHING, found, told


def test_a_service_with_its_routes_and_problems():
    with FakeAdmin(RECORDED) as fake:
        done = piped("show", "shop/web", TIDEGATE_ADMIN=fake.address)
        shown = piped("show", "shop/web", "--json", TIDEGATE_ADMIN=fake.address).json
    assert matches_golden("show.pipe", done.out)
    assert shown["data"]["release"] is None
    assert [route["id"] for route in shown["data"]["routes"]] == ["shop.test/", "shop.test/api"]


def test_a_release_that_goes_on_is_shown_with_what_it_fetches():
    going = told("starting", share=0.0, fetches=[FETCHING])
    answers = {"GET /v1/releases": {"releases": [{"service": "shop/web", "finished": False}]}}
    with FakeAdmin(RECORDED | answers | {"GET /v1/releases/shop/web": found(going)}) as fake:
        done = piped("show", "shop/web", TIDEGATE_ADMIN=fake.address)
        shown = piped("show", "shop/web", "--json", TIDEGATE_ADMIN=fake.address).json
    assert "release 3 of shop/web: canary from v1 to v2\nstarting, step 2 of 4, v2 has 0%" in done.out
    assert "fetching shop:2 on docker: 2 of 5 layers, 12.0 MB of 31.4 MB" in done.out
    assert shown["data"]["release"]["number"] == 3


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


def test_a_node_with_what_it_has_and_what_runs_on_it():
    with FakeAdmin(RECORDED) as fake:
        done = piped("show", "n2", TIDEGATE_ADMIN=fake.address)
        found = piped("show", "n2", "--json", TIDEGATE_ADMIN=fake.address).json
    assert done.out.splitlines()[:11] == [
        "n2  drained",
        "zone: b",
        "address: 10.0.0.2",
        "takes connections for its containers at: 10.0.0.2:7946",
        "replicas: 3",
        "cpu, set aside of all: 1.5/4",
        "memory, set aside of all: 2.0/8.0 GiB",
        "used: 35 % 3.0 GiB",
        "holds: 12 images, 1 volume, 2 containers, ports tcp/5432, 1.0 GiB set aside; more than can be told: 7 images",
        "labels: disk=ssd",
        "engines: docker 20.10.24",
    ]
    assert "drained by: ann new disk drained 2026-" in done.out
    assert (found["schema"], found["data"]["node"]["name"]) == ("tidegate.show.node/1", "n2")
