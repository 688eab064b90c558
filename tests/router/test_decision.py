from __future__ import annotations

import pytest

from tests.support.router import endpoint, route, service, table_of
from tidegate.config import HttpConfig
from tidegate.model import Asked, HealthState
from tidegate.policy import (
    Algorithm,
    Balance,
    BasicAuth,
    FieldMatch,
    Filters,
    ForwardAuth,
    Limits,
    Match,
    Redirect,
    TlsPolicy,
)
from tidegate.router.decision import Decider
from tidegate.router.stickiness import Marker

BETA = Match(headers=(FieldMatch(name="x-beta", value="1"),))
BOTH = Match(methods=("POST",), headers=BETA.headers)


def decided(*routes, target="/", services=None, config=None, secure_port=0, **asked):
    ready = [service("web", endpoint(("127.0.0.1", 1)), endpoint(("127.0.0.1", 2)))] if services is None else services
    decider = Decider(config or HttpConfig(), b"key", secure_port)
    return decider.decide(table_of(1, routes, ready), Asked(authority="a.test", target=target, **asked))


def test_conditions_decide_as_for_a_worker_and_say_what_was_lacking():
    routes = (route(match=BETA), route(match=BOTH), route())
    plain = decided(*routes)
    assert plain.route == "a.test/"
    assert [lacking for _, lacking in plain.weighed] == ["method POST", "header x-beta = 1"]
    beta = decided(*routes, lines="X-Beta: 1\r\n")
    assert (beta.route, beta.weighed[-1]) == (routes[0].id, (routes[0].id, ""))
    assert decided(*routes, lines="X-Beta: 1\r\n", method="POST").route == routes[1].id


@pytest.mark.parametrize(
    ("match", "target", "lines"),
    [
        (Match(cookies=(FieldMatch(name="c", value="1"),)), "/", "Cookie: b=2; c=1\r\n"),
        (Match(query=(FieldMatch(name="v", value="2"),)), "/?v=2", ""),
    ],
)
def test_cookies_and_parameters_count(match, target, lines):
    wanted = route(match=match)
    assert decided(wanted, target=target, lines=lines).route == wanted.id
    assert decided(wanted).route == ""
    assert len(decided(wanted).weighed) == 1


def test_who_fits_no_condition_goes_to_the_shorter_path():
    found = decided(route(path="/api", match=BETA), route(), target="/api/x")
    assert (found.prefix, found.route, found.paths) == ("/api", "a.test/", ("/api", "/"))


@pytest.mark.parametrize(
    ("filters", "asked", "answer"),
    [
        (Filters(allow=("10.0.0.0/8",)), {"client": "10.1.2.3"}, ""),
        (Filters(allow=("10.0.0.0/8",)), {"client": "192.0.2.1"}, "403 forbidden"),
        (Filters(deny=("10.0.0.0/8",)), {"client": "10.1.2.3"}, "403 forbidden"),
        (Filters(basic_auth=BasicAuth(users=(("ada", "$2b$10$x"),))), {}, "401 unauthorized"),
        (Filters(redirect=Redirect(host="b.test")), {}, "308 to http://b.test/"),
    ],
)
def test_a_filter_answers_in_the_containers_place(filters, asked, answer):
    assert decided(route(filters=filters), **asked).answer == answer


def test_the_client_is_whom_a_trusted_proxy_speaks_for():
    filters = Filters(allow=("10.0.0.0/8",))
    config = HttpConfig(trusted_proxies=("192.0.2.1/32",))
    claims = "X-Forwarded-For: 10.9.9.9\r\n"
    assert decided(route(filters=filters), config=config, client="192.0.2.1", lines=claims).answer == ""
    assert decided(route(filters=filters), config=config, client="192.0.2.2", lines=claims).answer == "403 forbidden"


def test_what_is_asked_elsewhere_is_named():
    asking = decided(route(filters=Filters(forward_auth=ForwardAuth(url="http://auth.test/check"))))
    assert asking.asks == "GET http://auth.test/check decides whether the request goes on"
    given = "Authorization: Basic YWRhOng=\r\n"
    checked = decided(route(filters=Filters(basic_auth=BasicAuth(users=(("ada", "$2b$10$x"),)))), lines=given)
    assert "password" in checked.asks


def test_a_changed_path_is_told():
    assert decided(route(path="/api", filters=Filters(strip_prefix=True)), target="/api/x?q").forwarded == "GET /x?q"


def test_a_route_that_wants_https_redirects_plain_requests_only():
    only = route(tls=TlsPolicy(only=True))
    assert decided(only, secure_port=443).answer == "301 to https://a.test/"
    assert decided(only, secure_port=443, method="POST").answer == "308 to https://a.test/"
    assert decided(only, secure_port=443, secure=True).answer == ""


def test_a_cookie_leads_to_its_endpoint_and_its_version_outlives_it():
    sticky = route(balance=Balance(sticky=True))
    mark = Marker(b"key").mark("web", "", "web-2:80").decode()
    found = decided(sticky, lines=f"Cookie: tidegate={mark}\r\n")
    assert (found.endpoint, found.chosen) == ("web-2:80", "by cookie tidegate")
    down = service("web", endpoint(("127.0.0.1", 1)), endpoint(("127.0.0.1", 2), state=HealthState.UNHEALTHY))
    moved = decided(sticky, lines=f"Cookie: tidegate={mark}\r\n", services=[down])
    assert (moved.endpoint, "version" in moved.chosen) == ("web-1:80", True)
    assert decided(sticky, lines="Cookie: tidegate=nonsense\r\n").endpoint == ""


def test_a_hash_leads_to_one_endpoint():
    hashed = route(balance=Balance(algorithm=Algorithm.HASH, hash_key="header:x-user"))
    found = {decided(hashed, lines=f"X-User: {name}\r\n").endpoint for name in ("ada", "ada")}
    assert len(found) == 1
    assert decided(hashed, lines="X-User: ada\r\n").chosen == "by the hash of header:x-user"
    assert decided(hashed).endpoint == ""


def test_a_split_leads_to_one_version():
    sides = [service("old", endpoint(("127.0.0.1", 1), "old")), service("new", endpoint(("127.0.0.1", 2), "new"))]

    def of(user, **balance):
        split = route(backends={"old": 50, "new": 50}, balance=Balance(split="header:x-user", **balance))
        return decided(split, lines=f"X-User: {user}\r\n", services=sides)

    assert len({of(user).endpoint for user in range(20)}) == 2
    assert of("ada").chosen == "next of the version that the hash of header:x-user leads to"
    assert of("ada", algorithm=Algorithm.HASH).chosen == "by the hash of header:x-user"
    assert of("ada", algorithm=Algorithm.HASH).endpoint == of("ada", sticky=True).endpoint


def test_a_plain_route_chooses_nobody_in_particular():
    found = decided(route(limits=Limits(endpoint_requests=1)))
    assert (found.route, found.endpoint, found.answer) == ("a.test/", "", "")


@pytest.mark.parametrize(
    "asked", [{"target": "/a b"}, {"lines": "Bad\x00: 1\r\n"}, {"lines": "Content-Length: 1\r\nContent-Length: 2\r\n"}]
)
def test_a_head_that_is_refused_says_why(asked):
    found = decided(route(), **asked)
    assert (found.refused, found.route) == ("400 bad-request", "")


def test_a_host_header_stands_in_for_the_urls():
    assert decided(route(), lines="Host: b.test\r\n").host == "b.test"
    assert decided(route("*.test"), lines="Host: b.test\r\n").pattern == "*.test"
