from __future__ import annotations

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers

WEB = {"service": "shop/web", "before": 2, "desired": 3}
SCALED = {f"POST {PATH}/services/web/plan": WEB, f"PUT {PATH}/services/web/scale": WEB}
REFUSAL = (409, {"code": "T2105", "detail": "shop/db cannot be scaled"})


def test_a_number_may_stand_apart_as_tab_leaves_it():
    with FakeAdmin(answers(**SCALED)) as fake:
        assert piped("scale", "web=", "3", "--no-wait", TIDEGATE_ADMIN=fake.address).code == 0
    assert fake.changes[-1].body["desired"] == 3


def test_a_service_is_scaled_by_its_short_name_or_its_key():
    for name in ("web", "shop/web"):
        with FakeAdmin(answers(**SCALED)) as fake:
            done = piped("scale", f"{name}=3", "--why", "load", TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, "shop/web goes from 2 to 3\n")
        assert fake.changes[-1].body == {"desired": 3, "why": "load"}


def test_a_dry_run_changes_nothing():
    with FakeAdmin(answers(**SCALED)) as fake:
        done = piped("scale", "web=3", "--dry-run", TIDEGATE_ADMIN=fake.address)
    assert (done.out, _scaled(fake)) == ("shop/web would go from 2 to 3\n", [])


def test_of_several_none_is_scaled_where_one_cannot_be_in_a_dry_run_too():
    for more in ((), ("--dry-run",)):
        with FakeAdmin(answers(**SCALED, **{f"POST {PATH}/services/db/plan": REFUSAL})) as fake:
            done = piped("scale", "web=3", "db=2", *more, TIDEGATE_ADMIN=fake.address)
        assert (done.code, "T2105" in done.err, _scaled(fake)) == (6, True, [])


def _scaled(fake):
    return [each for each in fake.changes if each.method == "PUT"]


def test_what_is_no_number_and_who_is_not_there_is_refused():
    for wanted in ("web", "web=", "=3", "web=many", "web=1001"):
        done = piped("scale", wanted)
        assert (done.code, "is not SERVICE=N" in done.err) == (2, True), wanted
    with FakeAdmin(answers()) as fake:
        done = piped("scale", "wep=1", TIDEGATE_ADMIN=fake.address)
    assert (done.code, "T2104" in done.err) == (4, True)


def test_what_was_scaled_before_one_that_is_refused_meanwhile_is_told():
    db = {"service": "shop/db", "before": 1, "desired": 2}
    more = {f"POST {PATH}/services/db/plan": db, f"PUT {PATH}/services/db/scale": REFUSAL}
    with FakeAdmin(answers(**SCALED, **more)) as fake:
        done = piped("scale", "web=3", "db=2", TIDEGATE_ADMIN=fake.address)
    assert (done.code, "shop/web goes from 2 to 3" in done.err, "T2105" in done.err) == (6, True, True)
