from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.built import BETA, codes, make, spec, weights
from tests.support.seen import instance
from tidegate.building import build, resumed
from tidegate.building.previews import joined, previews_of
from tidegate.building.sayings import said_of
from tidegate.model import Backend, DnsMode, Inventory, Overrides, Preview, ReleasePolicy, Route, TrafficMode
from tidegate.policy import FieldMatch, Match

V1 = instance("c1", version="v1", routes=["a.test/"], created_at=1.0, settings={"retry.tries": "2"})
V2 = instance(
    "c2", version="v2", routes=["a.test/"], created_at=2.0, settings={"retry.tries": "2"}, release=ReleasePolicy()
)
SHOW = Match(headers=(FieldMatch(name="x-preview", value="v2"),))
COOKIE = Match(cookies=(FieldMatch(name="preview"),))
SHOWN, BAKED = "a.test/#header.x-preview=v2", "a.test/#cookie.preview"


def previewing(target="web", backend="v2", *matches, **fields):
    return Overrides(previews={target: Preview(backend=backend, matches=matches or (SHOW,))}, **fields)


def test_requests_of_a_preview_get_the_version_that_has_no_weight():
    made = make(V1, V2, overrides=previewing("web", "v2", SHOW, COOKIE))
    assert weights(made, "a.test/") == {"web v1": 100, "web v2": 0}
    assert weights(made, SHOWN) == weights(made, BAKED) == {"web v2": 100}
    shown = made.table.routes[SHOWN]
    assert (shown.match, shown.preview_of, shown.policy.retry.tries) == (SHOW, "a.test/", 2)
    assert "T1301" not in codes(made)


@pytest.mark.parametrize("target", ["web", "a.test", "a.test/"])
def test_a_preview_is_set_for_a_service_a_host_or_a_route(target):
    assert SHOWN in make(V1, V2, overrides=previewing(target)).table.routes
    assert SHOWN not in make(V1, V2, overrides=previewing("other")).table.routes


def test_a_service_may_be_previewed_beside_another_one():
    one, two = instance("b", "blue", routes=["a.test/"]), instance("g", "green", routes=["a.test/"])
    assert weights(make(one, two, overrides=previewing("a.test", "green")), SHOWN) == {"green default": 100}


def test_it_goes_with_the_override_and_with_its_route():
    first = make(V1, V2, overrides=previewing())
    second = make(V1, V2, previous=first)
    assert set(second.table.routes) == {"a.test/"}
    assert second.delta.routes == {SHOWN: None}
    gone = make(previous=make(previous=first, overrides=previewing(), now=1.0), overrides=previewing(), now=90.0)
    assert not gone.table.routes


def test_it_follows_what_its_route_says():
    first = make(V1, V2, overrides=previewing())
    second = make(V1, V2, previous=first, overrides=previewing(modes={"a.test": TrafficMode.HOLD}))
    assert second.table.routes[SHOWN].mode is TrafficMode.HOLD
    third = make(V1, V2, previous=second, overrides=previewing(settings={"a.test/": {"retry.tries": "5"}}))
    assert third.table.routes[SHOWN].policy.retry.tries == 5
    assert said_of(third, third.table.routes[SHOWN])["retry.tries"].source == "override of a.test/"


def test_a_change_of_previews_changes_nothing_else():
    first = make(V1, V2)
    second = make(V1, V2, previous=first, overrides=previewing())
    assert set(second.delta.routes) == {SHOWN}
    assert not second.delta.services
    assert not second.delta.names


def test_conditions_of_the_route_hold_for_its_preview_too():
    one, two = (replace(each, claims=tuple(replace(c, match=BETA) for c in each.claims)) for each in (V1, V2))
    made = make(one, two, overrides=previewing())
    assert set(made.table.routes) == {"a.test/#header.x-beta=1", "a.test/#header.x-beta=1&header.x-preview=v2"}


def test_a_claim_of_the_same_conditions_goes_before_a_preview_whichever_came_first():
    claiming = instance("c5", "other", routes=["a.test/"], match=SHOW, created_at=5.0)
    first = make(V1, V2, overrides=previewing())
    second = make(V1, V2, claiming, previous=first, overrides=previewing())
    assert weights(second, SHOWN) == {"other default": 100}
    assert weights(make(V1, V2, claiming, overrides=previewing()), SHOWN) == {"other default": 100}
    third = make(V1, V2, previous=second, overrides=previewing(), now=1.0)
    fourth = make(V1, V2, previous=third, overrides=previewing(), now=90.0)
    assert weights(fourth, SHOWN) == {"web v2": 100}


def test_routes_of_files_are_previewed_alike():
    one, two = (replace(each, claims=()) for each in (V1, V2))
    made = make(one, two, routes=(spec("f.test/", Backend(service="web")),), overrides=previewing())
    assert weights(made, "f.test/#header.x-preview=v2") == {"web v2": 100}


def test_nobody_is_sent_to_a_version_that_is_not_there():
    assert set(make(V1, overrides=previewing()).table.routes) == {"a.test/"}


def test_a_build_from_scratch_comes_to_the_same():
    first = make(V1, V2)
    second = make(V1, V2, previous=first, overrides=previewing())
    assert dict(second.table.routes) == dict(make(V1, V2, overrides=previewing()).table.routes)
    defaults = Inventory(provider="file", version=1, defaults={"retry.tries": "4"})
    seen = {"docker": second.memo.inventories["docker"], "file": defaults}
    third = build(second, seen, {}, previewing())
    assert SHOWN in third.table.routes


def test_a_remembered_preview_is_no_claim():
    again = resumed(make(V1, V2, overrides=previewing()).table, 0.0)
    kept = make(V1, V2, previous=again, overrides=previewing(), now=1.0)
    assert weights(kept, SHOWN) == {"web v2": 100}
    assert set(make(V1, V2, previous=again, now=1.0).table.routes) == {"a.test/"}


def test_names_are_not_previewed():
    one, two = (replace(each, dns=DnsMode.DIRECT) for each in (V1, V2))
    assert make(one, two).table.names == make(one, two, overrides=previewing()).table.names


def test_what_nothing_can_fit_is_no_preview():
    assert joined(BETA, Match(headers=(FieldMatch(name="x-beta", value="2"),))) is None
    assert joined(Match(methods=("GET",)), Match(methods=("POST",))) is None
    assert joined(BETA, Match(headers=(FieldMatch(name="x-beta"),))) == BETA
    assert joined(Match(methods=("GET", "POST")), Match(methods=("POST",))) == Match(methods=("POST",))
    assert joined(Match(methods=("GET",)), COOKIE) == Match(methods=("GET",), cookies=COOKIE.cookies)
    route = Route(id="a.test/", host="a.test", path="/", backends=(Backend(service="web", version="v2"),))
    (shown,) = previews_of(route, previewing().previews)
    assert not list(previews_of(shown, previewing().previews))
