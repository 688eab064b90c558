"""What happens to a `cluster_world`: clusters and services made of a seed, and storms over them."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from tests.support.cluster_world import World
from tidegate.placement.demand import Demand, Fit, Quota
from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import Resources
from tidegate.placement.rules import Kind, Reschedule, Rule, ZoneRule

GIB = 2**30


def nodes_of(rng, count, zones):
    return [
        NodeFacts(
            name=f"n{number}",
            zone=f"z{number % zones}",
            index=number + 1,
            labels={"disk": rng.choice(("ssd", "hdd"))},
            capacity=Resources(cpu=8.0, memory=16 * GIB),
            incarnation="first",
        )
        for number in range(count)
    ]


def demand_of(rng, number, most=6):
    """A service with a few of all the things it may ask for."""
    rules = []
    if rng.random() < 0.25:
        rules.append(Rule(kind=Kind.CONSTRAINT, key="disk", value="ssd", equal=rng.random() < 0.5))
    if rng.random() < 0.25:
        rules.append(Rule(kind=Kind.AFFINITY, key="service", value=f"shop/s{rng.randrange(8)}", equal=False))
    if rng.random() < 0.2:
        rules.append(Rule(kind=Kind.AFFINITY, key="service", value=f"shop/s{rng.randrange(8)}", soft=True))
    kind = rng.random()
    return Demand(
        service=f"shop/s{number}",
        revision="r1",
        replicas=rng.randint(1, most),
        everywhere=kind < 0.08,
        exclusive=0.08 <= kind < 0.25,
        stop_first=0.25 <= kind < 0.4,
        reservation=Resources(cpu=rng.choice((0.0, 0.25, 0.5, 1.0)), memory=rng.choice((0, GIB // 4, GIB))),
        ports=(f"tcp/{8000 + number}",) if rng.random() < 0.1 else (),
        rules=tuple(rules),
        zones=rng.choice((None, None, None, ZoneRule(zones=2), ZoneRule(zones=3, soft=True))),
        max_per_node=rng.choice((0, 0, 0, 1, 2)),
        reschedule=rng.choice((Reschedule.AUTO, Reschedule.AUTO, Reschedule.ALWAYS, Reschedule.NEVER)),
        fit=rng.choice((Fit.SPREAD, Fit.SPREAD, Fit.BINPACK)),
        account="team" if rng.random() < 0.3 else "",
        max_parallel=rng.choice((1, 1, 2)),
        min_healthy=rng.choice((0.0, 10.0)),
        delay=rng.choice((0.0, 0.0, 20.0)),
        failure_ratio=rng.choice((0.0, 0.0, 0.3)),
    )


def small(seed, **more):
    """Three to twelve nodes and a handful of services."""
    rng = Random(seed)
    nodes = nodes_of(rng, rng.randint(3, 12), rng.randint(1, 4))
    demands = [demand_of(rng, number) for number in range(rng.randint(2, 8))]
    world = World(
        nodes,
        demands,
        [Quota(account="team", replicas=rng.randint(5, 20))],
        batch=rng.choice((1, 3, 100)),
        ready_after=rng.choice((1.0, 3.0, 20.0)),
        stops_in=rng.choice((0.0, 2.0, 9.0)),
        late=rng.choice((0.0, 0.5, 2.5)),
        **more,
    )
    if rng.random() < 0.2:
        world.crashing.add("shop/s0")
    return world, rng


def trouble(world, rng, *, mild=False):
    """One thing that happens to the cluster; a mild one leaves most nodes up, so that what is lost can go elsewhere."""
    name = rng.choice(list(world.machines))
    away = [each for each, machine in world.machines.items() if machine.cut or not machine.up]
    if mild and len(away) > 1 + len(world.machines) // 5:
        world.start(away[0])
        world.heal(away[0])
        return
    kind = rng.random()
    if kind < 0.2:
        world.kill(name)
    elif kind < 0.4:
        world.start(name)
    elif kind < 0.5:
        world.cut(name)
    elif kind < 0.62:
        world.heal(name)
    elif kind < 0.64:
        flap(world, name)
    elif kind < 0.68:
        zone = world.machines[name].facts.zone
        for each in [each for each, machine in world.machines.items() if machine.facts.zone == zone]:
            world.kill(each)
    elif kind < 0.74:
        world.drain(name)
    elif kind < 0.82:
        world.drain(name, drained=False)
    elif kind < 0.9:
        world.depose(rng.uniform(2.0, 17.0))
    elif kind < 0.94 and world.demands:
        demand = world.demands[rng.choice(list(world.demands))]
        world.want(replace(demand, replicas=rng.randint(0, 7)))
    elif kind < 0.98 and world.demands:
        renew(world, rng.choice(list(world.demands)), broken=rng.random() < 0.3, stop_first=rng.random() < 0.3)
    elif len(world.demands) > 1:
        world.remove(rng.choice(list(world.demands)))


def renew(world, service, *, broken=False, stop_first=None):
    """Another revision is wanted of a service, or again the one before."""
    demand = world.demands[service]
    number = int(demand.revision.removeprefix("r"))
    later = number - 1 if number > 1 and not broken and world.plans % 4 == 0 else number + 1
    how = demand.stop_first if stop_first is None or demand.ports else stop_first
    world.want(replace(demand, revision=f"r{later}", stop_first=how))
    if broken:
        world.spoil(service, f"r{later}")


def flap(world, name):
    """A node goes and comes three times; its lease ends each time."""
    for _ in range(3):
        world.kill(name)
        world.run(20.0)
        world.start(name)
        world.run(4.0)


def storm(world, rng, events=25):
    """Trouble upon trouble, with time between; then peace, long enough for every back-off and quarantine to end."""
    mild = rng.random() < 0.5
    world.run(20.0)
    for _ in range(events):
        if rng.random() < 0.15:
            world.die_after = world.writes + rng.randint(1, 4)
        trouble(world, rng, mild=mild)
        world.run(rng.choice((1.0, 3.0, 10.0, 30.0)))
    world.die_after = None
    peace(world)


def peace(world, seconds=4 * 3600.0):
    for name in world.machines:
        world.drain(name, drained=False)
    for service in list(world.demands):
        while (service, world.demands[service].revision) in world.broken:
            renew(world, service)
    world.settle(seconds)
    world.laws.settled()


def large(seed, nodes=1000, services=200, replicas=50):
    """A full-size cluster: four zones, services of all kinds, 10 000 replicas."""
    rng = Random(seed)
    demands = [
        replace(demand_of(rng, number), replicas=replicas, max_per_node=0, ports=(), account="", everywhere=False)
        for number in range(services)
    ]
    world = World(
        [replace(each, capacity=Resources(cpu=32.0, memory=128 * GIB)) for each in nodes_of(rng, nodes, 4)],
        [replace(each, exclusive=each.exclusive and number % 4 == 0) for number, each in enumerate(demands)],
        batch=100,
        late=1.0,
    )
    return world, rng


def large_storm(world, rng, events=4):
    """Nodes go by the dozen, one zone in part, leaders between writes; some come back; then peace."""
    world.run(60.0, 2.0)
    names = list(world.machines)
    for _ in range(events):
        for name in rng.sample(names, len(names) // 50):
            world.kill(name)
        world.run(10.0, 2.0)
        world.die_after = world.writes + rng.randint(1, 5)
        for name in rng.sample(names, len(names) // 30):
            world.start(name)
        world.cut(rng.choice(names))
        world.run(40.0, 2.0)
    world.die_after = None
    peace(world, 1200.0)
