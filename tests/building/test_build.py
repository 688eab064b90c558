from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.built import BETA, OPTIONS, make, spec
from tests.support.seen import following, healthy, instance, inventory
from tidegate.building import Build, BuildOptions, build
from tidegate.building.outcome import Memo
from tidegate.building.routes import FILE_OWNER
from tidegate.errors import Problem
from tidegate.model import Backend, DnsMode, InstanceState, Overrides, Preview, ReleasePolicy, RouteClaim, TrafficMode
from tidegate.policy import FieldMatch, Match
from tidegate.routing import RoutingTable, with_delta


def test_a_claim_becomes_a_route_a_service_and_names():
    made = make(instance("c1", project="shop", routes=["a.test/"]))
    assert made.table.version == 1
    assert made.table.routes["a.test/"].owner == "shop"
    assert made.table.routes["a.test/"].backends == (Backend(service="shop/web", version="", port=80),)
    assert set(made.table.services) == {"shop/web"}
    assert {"c1", "web", "web.shop", "tasks.web", "tasks.web.shop", "a.test."} == set(made.table.names)
    assert with_delta(RoutingTable(), made.delta) == made.table


def test_the_same_again_changes_nothing():
    first = make(instance("c1", routes=["a.test/"]))
    second = make(instance("c1", routes=["a.test/"]), previous=first)
    assert second.delta.empty
    assert second.table is first.table
    assert second.checks_changed == ()


def test_the_subnets_of_all_providers_are_in_the_table_once_each_of_them_can_say():
    def told(previous, **subnets):
        seen = {name: replace(inventory(provider=name), subnets=each) for name, each in subnets.items()}
        return build(previous, seen, {}, Overrides(), OPTIONS)

    waiting = told(None, one=("172.17.0.0/16",), other=None, file=())
    assert waiting.table.subnets == ()
    known = told(waiting, one=("172.17.0.0/16",), other=("10.0.0.0/8", "172.17.0.0/16"), file=())
    assert known.table.subnets == known.delta.subnets == ("10.0.0.0/8", "172.17.0.0/16")
    assert with_delta(waiting.table, known.delta) == known.table
    again = told(known, one=("172.17.0.0/16",), other=("10.0.0.0/8",), file=())
    assert again.delta.empty


# ------------------------------------------------------------------------------------- incremental equals from scratch


IDS = ("c1", "c2", "c3", "c4", "c5")
ROUTES = ("a.test/", "a.test/api", "*.b.test/")


SHOW = Match(cookies=(FieldMatch(name="preview"),))
PREVIEWS = (Preview(backend="v2", matches=(SHOW,)), Preview(backend="api", matches=(SHOW, BETA)))
SETTINGS = ({}, {"retry.tries": "1"}, {"retry.tries": "2", "balance.sticky": "true"})


@st.composite
def instances(draw, id_: str, own_routes: bool):
    project = draw(st.sampled_from(("", "p")))
    service = draw(st.sampled_from(("web", "api")))
    routes = [f"{project or 'x'}-{each}" if own_routes else each for each in draw(st.sets(st.sampled_from(ROUTES)))]
    made = instance(
        id_,
        service,
        project=project,
        routes=sorted(routes),
        created_at=float(draw(st.integers(1, 3))),
        settings=draw(st.sampled_from(SETTINGS)),
        match=draw(st.sampled_from((None, None, BETA))),
        version=draw(st.sampled_from(("", "v1", "v2"))),
        weight=draw(st.sampled_from((100, 0, 10))),
        state=draw(st.sampled_from(InstanceState)),
        number=draw(st.integers(0, 2)),
        problems=draw(st.sampled_from(((), (Problem(code="T1203", text="bad"),)))),
        dns=draw(st.sampled_from((None, DnsMode.ONE, DnsMode.PROXY))),
        # who waits is remembered, which a build from scratch cannot know
        release=None if own_routes else draw(st.sampled_from((None, ReleasePolicy()))),
    )
    if own_routes or made.dns is not DnsMode.PROXY:
        return made
    names = (service, f"{service}.{project}") if project else (service,)
    calls = (RouteClaim(host=name, port=80, origin="tidegate.dns", relative=True) for name in names)
    return replace(made, claims=(*made.claims, *calls))


@st.composite
def overridden(draw, prefix: str = ""):
    targets = st.sampled_from(("web", "p/web", f"{prefix}a.test", f"{prefix}a.test/api"))
    names = st.dictionaries(st.sampled_from(("v1", "v2", "default", "api")), st.integers(0, 3), max_size=2)
    return Overrides(
        weights=draw(st.dictionaries(targets, names, max_size=2)),
        modes=draw(st.dictionaries(targets, st.sampled_from(TrafficMode), max_size=2)),
        settings=draw(st.dictionaries(targets, st.sampled_from(SETTINGS), max_size=2)),
        drained=frozenset(draw(st.sets(st.sampled_from((*IDS, "c1:80")), max_size=2))),
        previews=draw(st.dictionaries(targets, st.sampled_from(PREVIEWS), max_size=2)),
    )


@st.composite
def stories(draw, own_routes: bool):
    """Steps of (seconds passed, instances by id, healthy ids, overrides, file routes)."""
    steps = []
    world = {}
    for _ in range(draw(st.integers(1, 7))):
        for id_ in draw(st.sets(st.sampled_from(IDS), max_size=2)):
            if draw(st.booleans()):
                world[id_] = draw(instances(id_, own_routes))
            else:
                world.pop(id_, None)
        prefix = "p-" if own_routes else ""
        routes = draw(
            st.sampled_from(((), (spec("f.test/", Backend(service="web")), spec("a.test/", Backend(service="p/web")))))
        )
        steps.append(
            (
                draw(st.integers(0, 40)),
                dict(world),
                draw(st.sets(st.sampled_from(IDS))),
                draw(overridden(prefix)),
                routes,
            )
        )
    return steps


def told(steps, options):
    """Play a story; yields (incremental build, previous build, what the builder was given) of each step."""
    made, seen, now, health = None, inventory(), 0.0, {}
    for passed, world, fit, overrides, routes in steps:
        now += passed
        seen = following(seen, *world.values(), routes=routes)
        fresh = healthy(*(f"{id_}:80" for id_ in sorted(fit)))
        changed = {id_ for id_ in fresh.keys() | health.keys() if fresh.get(id_) != health.get(id_)}
        health, previous = fresh, made
        given_ = ({"docker": seen}, health, overrides, options)
        made = build(made, *given_, changed_health=changed, now=now)
        yield made, previous, given_, now


def forgetting(previous: Build) -> Build:
    """`previous` with nothing to reuse but memory of owners and departures: everything must be looked at again."""
    memo = previous.memo
    parts = {key: replace(part, seen=NEVER, live=(), checks={}, names={}) for key, part in memo.parts.items()}
    left = Memo(
        resumed=True,
        parts=parts,
        claimants=memo.claimants,
        hosts=memo.hosts,
        variants=memo.variants,
        lingering=memo.lingering,
        overrides=memo.overrides,
    )
    return Build(table=previous.table, memo=left)


NEVER = (instance("never"),)


def outcome(made: Build):
    table = made.table
    return table.routes, table.services, table.names, made.checks, set(made.problems), made.wake_at


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=True))
def test_a_build_upon_another_equals_a_build_from_scratch(steps):
    for made, previous, given_, now in told(steps, BuildOptions(linger_seconds=0.0)):
        faulty = any(i.problems for members in given_[0]["docker"].services.values() for i in members)
        if not faulty:  # else the last good routes stay, which a build from scratch cannot know
            assert outcome(made) == outcome(build(None, *given_, now=now))
        if previous is not None:
            assert with_delta(previous.table, made.delta) == made.table


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=False))
def test_a_build_upon_another_equals_one_that_looks_at_everything_again(steps):
    for made, previous, given_, now in told(steps, OPTIONS):
        if previous is not None:
            assert outcome(made) == outcome(build(forgetting(previous), *given_, now=now))


@settings(max_examples=100, deadline=None)
@given(stories(own_routes=False))
def test_a_story_never_breaks_the_promises_of_a_build(steps):
    version, checks = 0, {}
    for made, _previous, _given, now in told(steps, OPTIONS):
        assert made.table.version == version + (not made.delta.empty)
        version = made.table.version
        for check in made.checks_changed:
            checks[check.endpoint] = check
        for id_ in made.checks_removed:
            del checks[id_]
        assert checks == made.checks
        for route in made.table.routes.values():
            assert len({b.service.rpartition("/")[0] for b in route.backends if route.owner != FILE_OWNER} | set()) <= 1
            assert f"{route.host}." in made.table.names or route.origin.endswith("tidegate.dns")
        assert made.wake_at is None or made.wake_at > now
