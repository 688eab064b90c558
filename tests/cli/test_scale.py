from __future__ import annotations

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers

SCALED = {f"PUT {PATH}/services/web/scale": {"service": "shop/web", "before": 2, "desired": 3}}


def test_a_number_may_stand_apart_as_tab_leaves_it():
    with FakeAdmin(answers(**SCALED)) as fake:
        assert piped("scale", "web=", "3", "--no-wait", TIDEGATE_ADMIN=fake.address).code == 0
    assert fake.changes[0].body["desired"] == 3


def test_a_service_is_scaled_by_its_short_name_or_its_key():
    for name in ("web", "shop/web"):
        with FakeAdmin(answers(**SCALED)) as fake:
            done = piped("scale", f"{name}=3", "--why", "load", TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, "shop/web goes from 2 to 3\n")
        assert fake.changes[0].body == {"desired": 3, "why": "load"}


def test_a_dry_run_changes_nothing():
    with FakeAdmin(answers(**SCALED)) as fake:
        done = piped("scale", "web=3", "--dry-run", TIDEGATE_ADMIN=fake.address)
    assert (done.out, fake.changes) == ("shop/web would have 3 replicas\n", [])


def test_what_is_no_number_and_who_is_not_there_is_refused():
    for wanted in ("web", "web=", "=3", "web=many", "web=1001"):
        done = piped("scale", wanted)
        assert (done.code, "is not SERVICE=N" in done.err) == (2, True), wanted
    with FakeAdmin(answers()) as fake:
        done = piped("scale", "wep=1", TIDEGATE_ADMIN=fake.address)
    assert (done.code, "T2104" in done.err) == (4, True)
