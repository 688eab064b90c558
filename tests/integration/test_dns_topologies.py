"""From what runs to what is answered, over random topologies: nobody is told an address that is of no use to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.built import OPTIONS
from tests.support.dns import LOCAL, ask, publish
from tests.support.seen import inventory, report
from tidegate.building import build
from tidegate.dns.record import packed
from tidegate.dns.zone import Zone
from tidegate.model import HealthState, Instance, InstanceState, NetworkAddress, Overrides

NETWORKS = ("n0", "n1", "n2", "n3")
INTERNAL = frozenset({"n2", "n3"})
SERVICES = ("a/web", "a/db", "b/web")
POOL = 3  # addresses of each network: a few, so that they are given to others again and again
ROUNDS = 9  # each of the replicas there can be is first once


@dataclass
class World:
    """What an engine runs: containers on networks whose addresses are handed out anew as soon as they are free."""

    containers: dict[str, Instance] = field(default_factory=dict)
    health: dict[str, HealthState] = field(default_factory=dict)
    born: int = 0

    def run(self, service: str, networks: frozenset[str]) -> None:
        self.born += 1
        id_ = f"c{self.born}"
        project, _, name = service.partition("/")
        places = tuple(filter(None, (self._join(network, name) for network in sorted(networks))))
        self.containers[id_] = Instance(
            id=id_, name=id_, provider="docker", project=project, service=name, ports=(80,), networks=places,
            created_at=self.born,
        )  # fmt: skip
        self.health[id_] = HealthState.STARTING

    def change(self, index: int, **fields: object) -> None:
        if self.containers:
            id_ = list(self.containers)[index % len(self.containers)]
            kept = {name: getattr(self.containers[id_], name) for name in Instance.__struct_fields__}
            self.containers[id_] = Instance(**(kept | fields))

    def leave(self, index: int) -> None:
        """One container is disconnected from its first network."""
        if self.containers:
            self.change(index, networks=list(self.containers.values())[index % len(self.containers)].networks[1:])

    def probe(self, index: int, state: HealthState) -> None:
        if self.containers:
            self.health[list(self.containers)[index % len(self.containers)]] = state

    def end(self, index: int) -> None:
        if self.containers:
            self.containers.pop(list(self.containers)[index % len(self.containers)])

    def _join(self, network: str, alias: str) -> NetworkAddress | None:
        taken = {place.ipv4 for each in self.containers.values() for place in each.networks}
        free = [a for n in range(POOL) if (a := f"10.{network[1:]}.0.{n + 2}") not in taken]
        if not free:
            return None
        return NetworkAddress(
            network=network, name=network, ipv4=free[0], aliases=(f"{alias}-alias",), internal=network in INTERNAL
        )


INDEX = st.integers(0, 20)
STEP = st.one_of(
    st.tuples(st.just("run"), st.sampled_from(SERVICES), st.frozensets(st.sampled_from(NETWORKS), min_size=1)),
    st.tuples(
        st.just("probe"), INDEX, st.sampled_from([HealthState.HEALTHY, HealthState.HEALTHY, HealthState.UNHEALTHY])
    ),
    st.tuples(st.just("end"), INDEX),
    st.tuples(st.just("leave"), INDEX),
    st.tuples(st.just("drain"), INDEX),
    st.tuples(st.just("pause"), INDEX),
)


def do(world, step):
    action, *arguments = step
    if action == "drain":
        world.change(arguments[0], state=InstanceState.DRAINING)
    elif action == "pause":
        world.change(arguments[0], state=InstanceState.PAUSED)
    else:
        getattr(world, action)(*arguments)


def published(zone, previous, world):
    """The next build, applied to the zone."""
    health = {f"{id_}:80": report(f"{id_}:80", state) for id_, state in world.health.items()}
    seen = {"docker": inventory(*world.containers.values())}
    made = build(previous, seen, health, Overrides(), OPTIONS, changed_health=health)
    publish(zone, *made.table.names.values())
    return made


def told(zone, qname, source):
    """All addresses that `source` is told of `qname` within a round of answers."""
    answers = [ask(zone, qname, source=packed(source), local=LOCAL) for _ in range(ROUNDS)]
    return {rdata.address for message in answers if message is not None for rrset in message.answer for rdata in rrset}


def useful(world, members, asker):
    """What `asker` should be told of `members`: naively, each one's addresses where both stand, best networks first."""
    mine = {place.network for place in asker.networks}
    found = set()
    for each in members:
        shared = [place for place in each.networks if place.network in mine]
        found.update(place.ipv4 for place in [p for p in shared if not p.internal] or shared)
    return found


def is_ready(world, each):
    return each.state is InstanceState.RUNNING and world.health[each.id] is HealthState.HEALTHY


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=14))
def test_each_container_is_told_exactly_the_ready_ones_at_addresses_on_networks_it_shares_with_them(steps):
    world, zone, made = World(), Zone("mesh.test"), None
    for step in steps:
        do(world, step)
        made = published(zone, made, world)
        for asker in world.containers.values():
            for source in asker.networks[:1]:
                for service in SERVICES:
                    project, _, name = service.partition("/")
                    ready = [c for c in world.containers.values() if c.key == service and is_ready(world, c)]
                    wanted = useful(world, ready, asker)
                    assert told(zone, f"{name}.{project}.mesh.test", source.ipv4) == wanted


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=14))
def test_no_name_points_to_an_address_that_is_not_of_something_that_runs_whoever_asks(steps):
    world, zone, made = World(), Zone("mesh.test"), None
    for step in steps:
        do(world, step)
        made = published(zone, made, world)
        running = {
            place.ipv4
            for each in world.containers.values()
            for place in each.networks
            if each.state is InstanceState.RUNNING
        }
        for qname in (
            "web",
            "db",
            "web-alias",
            "tasks.web",
            "web.a.mesh.test",
            *(f"c{n + 1}" for n in range(world.born)),
        ):
            for source in ("127.0.0.1", "10.0.0.77", "192.0.2.1", *sorted(running)):
                assert told(zone, qname, source) <= running


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=14))
def test_an_alias_is_told_on_its_own_network_only(steps):
    world, zone, made = World(), Zone("mesh.test"), None
    for step in steps:
        do(world, step)
        made = published(zone, made, world)
    for asker in world.containers.values():
        for source in asker.networks[:1]:
            mine = {place.network for place in asker.networks}
            given_ = told(zone, "web-alias", source.ipv4)
            assert all(f"n{address.split('.')[1]}" in mine for address in given_)
