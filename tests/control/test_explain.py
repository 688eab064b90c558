import pytest

from tests.support.built import make
from tests.support.router import endpoint, route, service, table_of
from tests.support.seen import healthy, instance, inventory, report
from tidegate.building import build
from tidegate.config import HttpConfig
from tidegate.control.ejections import Out
from tidegate.control.explain import container_names, explain_container, explain_service, explain_url, near
from tidegate.errors import Problem
from tidegate.model import Asked, HealthState, Overrides, Preview, ReleasePolicy, TrafficMode
from tidegate.policy import Algorithm, Balance, FieldMatch, Limits, Match
from tidegate.router.decision import Decider

NONE = Overrides()
GOOD = instance("good", project="a", routes=["a.test/", "a.test/api", "*.w.test/"], created_at=1.0)
RIVAL = instance("rival", project="b", routes=["a.test/", "b.test/"], created_at=2.0)
BAD = instance("bad", problems=(Problem(code="T1203", text="unknown label", place="container bad"),))
SEEN = {"docker": inventory(GOOD, RIVAL, BAD)}
HEALTH = {**healthy("good:80"), "rival:80": report("rival:80", HealthState.UNHEALTHY, reason="connection refused")}


def url(host, path="/", overrides=NONE):
    made = build(None, SEEN, HEALTH, overrides)
    return of_url(made.table, host, path, problems=made.problems)


def of_url(table, host="a.test", path="/", *, problems=(), out=(), now=0.0, **asked):
    decide = Decider(HttpConfig(), b"key").decide
    return explain_url(table, problems, Asked(authority=host, target=path, **asked), decide, out=dict(out), now=now)


def container(name):
    made = build(None, SEEN, HEALTH, Overrides())
    return explain_container(made.table, SEEN, made.problems, name)


def said(explanation, *words):
    text = "\n".join(explanation.steps)
    return all(word in text for word in words)


def test_a_served_url_is_followed_to_its_endpoints():
    found = url("A.test", "/api/x")
    assert found.found
    assert found.route == "a.test/api"
    assert said(found, "exact match", "compared with /api, /", "weight 100, 100 %", "in: good:80 at 10.0.0.", "healthy")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"balance": Balance(algorithm=Algorithm.LEAST_REQUESTS)}, "balancing: least requests of two"),
        (
            {"balance": Balance(algorithm=Algorithm.HASH, hash_key="cookie:sid")},
            "same endpoint for the same cookie:sid",
        ),
        ({"balance": Balance(split="cookie:sid")}, "split: the same version for the same cookie:sid"),
        ({"balance": Balance(sticky=True)}, "sticky: cookie tidegate keeps a client for 28800 s"),
        (
            {"limits": Limits(endpoint_requests=9, endpoint_connections=4)},
            "limit: 4 requests per endpoint of this node",
        ),
        ({"limits": Limits(requests=50)}, "limit: 50 requests in flight on this node"),
    ],
)
def test_how_an_endpoint_is_chosen_is_told_where_it_is_not_just_the_next_one(policy, words):
    table = table_of(1, [route(**policy)], [service("web", endpoint(("127.0.0.1", 1)))])
    assert said(of_url(table), words)
    plain = table_of(1, [route()], [service("web", endpoint(("127.0.0.1", 1)))])
    assert not said(of_url(plain), words)


@pytest.mark.parametrize(
    ("out", "found", "words"),
    [
        (
            Out(workers=1, of=2, until=108.0),
            True,
            "in: web-1:80:80 at 127.0.0.1:1, healthy; ejected after failed requests by 1",
        ),
        (Out(workers=2, of=2, until=108.0), False, "out: web-1:80:80 at 127.0.0.1:1, healthy; ejected after failed"),
        (Out(workers=1, of=2, until=108.0), True, "1 of 2 workers, for 8 s more"),
        (Out(workers=1, of=2, until=99.0), True, "1 of 2 workers, until a request shows that it answers again"),
    ],
)
def test_an_endpoint_that_workers_have_ejected_says_so_and_for_how_long(out, found, words):
    table = table_of(1, [route()], [service("web", endpoint(("127.0.0.1", 1)))])
    explanation = of_url(table, out={"web-1:80": out}, now=100.0)
    assert said(explanation, words)
    assert explanation.found is found
    assert explanation.endpoints == ("web-1:80",)


def test_a_version_that_wants_a_release_and_its_preview_say_so():
    old = instance("old", version="v1", routes=["a.test/"], created_at=1.0)
    policy = ReleasePolicy(strategy="canary", shares=(5, 25))
    new = instance("new", version="v2", routes=["a.test/"], created_at=2.0, release=policy)
    seen = {"docker": inventory(old, new)}
    shown = Preview(backend="v2", matches=(Match(headers=(FieldMatch(name="x-preview", value="1"),)),))
    made = build(None, seen, healthy("old:80", "new:80"), Overrides(previews={"web": shown}))
    found = explain_container(made.table, seen, made.problems, "new")
    assert said(found, "wants a release (canary 5 %, 25 %)", "claims a.test/ on port 80", "served")
    assert said(
        of_url(made.table), "backend web v2 port 80: weight 0, 0 %", "not taken, it asks for header x-preview = 1"
    )
    assert said(
        of_url(made.table, lines="X-Preview: 1\r\n"), "preview of a.test/", "backend web v2 port 80: weight 100"
    )


def test_a_path_counts_by_segments():
    assert url("a.test", "/apix").route == "a.test/"


def test_a_wildcard_is_named():
    assert said(url("x.w.test"), "matches *.w.test")
    assert not url("x.y.w.test").found


def test_an_unknown_host_gets_the_nearest_one():
    found = url("aa.test")
    assert not found.found
    assert said(found, "no route has this host", "nearest host: a.test", "404")


def test_a_path_without_route_says_what_was_compared():
    made = build(None, {"docker": inventory(instance("x", routes=["p.test/api"]))}, {}, Overrides())
    found = of_url(made.table, "p.test", "/other")
    assert not found.found
    assert said(found, "compared with /api", "none is a prefix", "404")


def test_an_endpoint_that_is_out_says_why():
    found = url("b.test")
    assert not found.found
    assert said(found, "out: rival:80", "unhealthy: connection refused", "503 hold-timeout")


def test_a_route_that_is_closed_says_so_with_the_override_that_closes_it():
    made = build(None, SEEN, HEALTH, Overrides(closed={"a/web": "override settings/a/web"}))
    problem = Problem(code="T1313", text="not understood", place="override settings/a/web")
    found = of_url(made.table, problems=(problem, Problem(code="T1313", text="x", place="override settings/other")))
    assert not found.found
    assert said(found, "mode: closed")
    assert found.problems == (problem,)


@pytest.mark.parametrize("mode", [TrafficMode.HOLD, TrafficMode.MAINTENANCE])
def test_a_mode_is_told(mode):
    found = url("a.test", overrides=Overrides(modes={"a.test": mode}))
    assert not found.found
    assert said(found, f"mode: {mode.value}")


def test_a_conflict_is_shown_with_the_route_and_with_the_container():
    assert [problem.code for problem in url("a.test").problems] == ["T1301"]
    found = container("rival")
    assert said(
        found, "claims a.test/ on port 80", "not served by it: a/web holds it through good", "b.test/ on port 80"
    )
    assert "T1301" in [problem.code for problem in found.problems]


def test_a_container_with_a_bad_label_shows_its_problems():
    found = container("bad")
    assert [problem.code for problem in found.problems] == ["T1203"]
    assert said(found, "no route is claimed", "starting: not checked yet")


def test_a_container_is_known_by_id_and_by_a_prefix_of_it():
    assert container("goo") is None, "too short to mean one"
    assert container("riva").subject == "rival"
    assert container("nobody") is None


def test_names_are_suggested():
    assert container_names(SEEN) == ["bad", "good", "rival"]
    assert near("goood", container_names(SEEN)) == ["good"]


def test_a_service_is_explained_by_its_key_or_its_short_name_where_that_is_one():
    both = (instance("a", "web", project="shop", routes=["a.test/"]), instance("b", "api", project="shop"))
    table = make(*both, instance("c", "api", project="blog")).table
    found = explain_service(table, "web", lambda key: [f"{key} is scaled"])
    assert found.steps == (
        "service shop/web: 0 of 1 endpoints ready, versions default",
        "routes: a.test/",
        "shop/web is scaled",
    )
    assert explain_service(table, "shop/web", lambda _key: []).steps[-1].startswith("it is not scaled by itself")
    assert explain_service(table, "api", lambda _key: []) is None
    assert explain_service(table, "nobody", lambda _key: []) is None
