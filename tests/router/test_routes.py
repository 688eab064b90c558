from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.router import difference, endpoint, route, service, table_of
from tidegate.matcher import HostEntry
from tidegate.model import HealthState
from tidegate.policy import Balance
from tidegate.router.arrangement import Arranger
from tidegate.router.routes import RouteBook
from tidegate.router.stickiness import Marker
from tidegate.routing import RoutingTable


class Book:
    """A RouteBook that follows tables made from values."""

    def __init__(self, routes=(), services=()):
        self.drained = []
        self.now = 100.0
        self.book = RouteBook(Arranger(0, 1, Marker(b"")), self.drained.append, lambda: self.now)
        self.table = RoutingTable()
        self.touched = []
        self.follow(routes, services)

    def follow(self, routes=None, services=None):
        new = table_of(
            self.table.version + 1,
            self.table.routes.values() if routes is None else routes,
            self.table.services.values() if services is None else services,
        )
        self.touched = self.book.apply(new, difference(self.table, new))
        self.table = new

    def picks(self, host=b"a.test", path=b"/", number=10):
        live = self.book.matcher.match(host, path)
        return [live.balancer.pick(None).endpoint.port for _ in range(number)] if live.balancer.ready() else []


def at(port, key="web", **values):
    return endpoint(("127.0.0.1", port), key, **{"id": f"{key}-{port}", **values, "port": port})


def test_a_change_of_one_service_leaves_the_routes_of_others_untouched():
    hosts = [route(f"{n}.test", backends={f"s{n}": 100}) for n in range(20)]
    book = Book(hosts, [service(f"s{n}", at(n + 1, f"s{n}")) for n in range(20)])
    before = {key: (live, live.balancer) for key, live in book.book.routes.items()}
    matcher = book.book.matcher
    changed = [service("s3", at(4, "s3"), at(99, "s3"))]
    book.follow(services=[one for one in book.table.services.values() if one.key != "s3"] + changed)
    assert [live.id for live in book.touched] == ["3.test/"]
    assert book.book.matcher is matcher
    for key, (live, balancer) in before.items():
        assert book.book.routes[key] is live
        assert (live.balancer is balancer) == (key != "3.test/")


def test_an_upstream_survives_a_new_table():
    book = Book([route()], [service("web", at(1))])
    upstream = next(iter(book.book.upstreams.values()))
    book.follow(services=[service("web", at(1, weight=5), at(2))])
    assert upstream in book.book.upstreams.values()
    assert upstream.endpoint.weight == 5


def test_weights_move_while_the_route_stays_the_same_object():
    both = [service("old", at(1, "old")), service("new", at(2, "new"))]
    book = Book([route(backends={"old": 100, "new": 0})], both)
    live = book.book.routes["a.test/"]
    assert set(book.picks()) == {1}
    book.follow(routes=[route(backends={"old": 95, "new": 5})])
    assert book.picks(number=100).count(2) == 5
    book.follow(routes=[route(backends={"old": 0, "new": 100})])
    assert set(book.picks()) == {2}
    assert book.book.routes["a.test/"] is live


def test_an_endpoint_without_requests_in_flight_is_drained_and_forgotten_at_once():
    book = Book([route()], [service("web", at(1), at(2))])
    book.follow(services=[service("web", at(2))])
    assert book.drained == ["web-1"]
    assert [one.endpoint.id for one in book.book.upstreams.values()] == ["web-2"]


def test_a_removed_endpoint_is_drained_when_its_last_request_ends():
    book = Book([route()], [service("web", at(1), at(2))])
    leaving = next(one for one in book.book.upstreams.values() if one.endpoint.id == "web-1")
    leaving.in_flight = 1
    book.follow(services=[service("web", at(2))])
    assert book.drained == []
    assert set(book.picks()) == {2}
    leaving.in_flight = 0
    leaving.released()
    assert book.drained == ["web-1"]
    assert leaving not in book.book.upstreams.values()


def test_a_draining_endpoint_gets_no_requests_and_comes_back_whole():
    for first in (HealthState.HEALTHY, HealthState.DRAINING):
        book = Book([route()], [service("web", at(1, state=first), at(2))])
        book.follow(services=[service("web", at(1, state=HealthState.DRAINING), at(2))])
        assert set(book.picks()) == {2}
        assert book.drained == ["web-1"]
        book.follow(services=[service("web", at(1), at(2))])
        assert set(book.picks()) == {1, 2}
        assert len(book.book.upstreams) == 2


def test_an_endpoint_that_moved_gets_a_new_upstream():
    book = Book([route()], [service("web", at(1))])
    book.follow(services=[service("web", endpoint(("127.0.0.2", 9), id="web-1"))])
    assert [str(one.address) for one in book.book.upstreams.values()] == ["127.0.0.2:9"]


def test_only_ready_endpoints_with_the_asked_version_and_port_serve():
    states = [at(10 + n, state=state) for n, state in enumerate(HealthState)]
    book = Book([route()], [service("web", *states)])
    assert set(book.picks()) == {10 + list(HealthState).index(HealthState.HEALTHY)}


def test_a_route_that_goes_takes_its_host_along_and_is_named_as_touched():
    book = Book([route(), route(path="/api"), route("b.test")], [service("web", at(1))])
    book.follow(routes=[route("b.test"), route(path="/api")])
    assert "a.test/" in [live.id for live in book.touched]
    assert book.book.matcher.match(b"a.test", b"/") is None
    assert book.book.matcher.match(b"a.test", b"/api/x").id == "a.test/api"
    book.follow(routes=[route("b.test")])
    assert book.book.matcher.host(b"a.test") is None


class Follows(RuleBasedStateMachine):
    """Following deltas one by one ends where following the last table alone would."""

    @initialize()
    def begin(self):
        self.stepwise = Book()

    hosts = st.sampled_from(["a.test", "b.test", "*.c.test"])
    keys = st.sampled_from(["web", "api"])
    ports = st.sets(st.integers(1, 5), max_size=4)

    @rule(host=hosts, path=st.sampled_from(["/", "/x"]), backends=st.dictionaries(keys, st.integers(0, 3), max_size=2))
    def put_route(self, host, path, backends):
        others = [one for one in self.stepwise.table.routes.values() if one.id != host + path]
        self.follow(routes=[*others, route(host, path, backends)])

    @rule(host=hosts, path=st.sampled_from(["/", "/x"]))
    def drop_route(self, host, path):
        self.follow(routes=[one for one in self.stepwise.table.routes.values() if one.id != host + path])

    @rule(key=keys, ports=ports, state=st.sampled_from(list(HealthState)))
    def put_service(self, key, ports, state):
        others = [one for one in self.stepwise.table.services.values() if one.key != key]
        self.follow(services=[*others, service(key, *(at(port, key, state=state) for port in sorted(ports)))])

    def follow(self, **values):
        self.stepwise.follow(**values)
        once = Book(self.stepwise.table.routes.values(), self.stepwise.table.services.values())
        assert shape(self.stepwise.book) == shape(once.book)


def shape(book):
    kept = {identity for identity, one in book.upstreams.items() if not one.draining}
    served = {
        key: sorted(
            (
                weight,
                sorted((one.endpoint.id, share) for one, share in zip(rotation.items, rotation.weights, strict=True)),
            )
            for rotation, weight in zip(live.balancer.backends.items, live.balancer.backends.weights, strict=True)
        )
        for key, live in book.routes.items()
    }
    index = {**book.matcher.exact, **book.matcher.wildcard}
    return kept, served, {host: led_to(found) for host, found in index.items()}


def led_to(found):
    """Path and route of what the index has for a host."""
    if isinstance(found, HostEntry):
        return [(path, live.id) for path, live in zip(found.paths, found.targets, strict=True)]
    return [(b"/", found.id)]


TestFollows = Follows.TestCase
TestFollows.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_the_routes_of_a_host_are_its_own_or_those_of_its_wildcard():
    book = RouteBook(Arranger(0, 1, Marker(b"")), lambda _: None, lambda: 0.0)
    routes = [route("a.test", "/x"), route("a.test"), route("*.b.test")]
    table = table_of(1, routes, [])
    book.apply(table, difference(table_of(0, [], []), table))
    assert [live.id for live in book.of_host("a.test")] == ["a.test/", "a.test/x"]
    assert [live.id for live in book.of_host("y.b.test")] == ["*.b.test/"]
    assert not list(book.of_host("b.test"))


def test_an_endpoint_that_comes_later_starts_slowly_and_grows():
    slow = Balance(slow_start_seconds=10.0)
    book = Book([route(balance=slow)], [service("web", at(1))])
    book.follow(services=[service("web", at(1), at(2))])
    assert book.picks(number=11).count(2) == 1
    book.now += 5.1
    book.book.warm()
    assert book.picks(number=15).count(2) == 5
    book.now += 5.0
    book.book.warm()
    assert book.picks(number=20).count(2) == 10


def test_what_is_there_with_the_first_table_starts_at_once():
    book = Book([route(balance=Balance(slow_start_seconds=10.0))], [service("web", at(1), at(2, weight=3))])
    assert book.picks(number=8).count(2) == 6


def test_a_warming_route_may_go():
    book = Book([route(balance=Balance(slow_start_seconds=10.0))], [service("web", at(1))])
    book.follow(services=[service("web", at(1), at(2))])
    book.follow(routes=[])
    book.now += 20.0
    book.book.warm()
    assert not book.book.routes
