import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.scaled import Scaled
from tidegate.elasticity import Bound, Metric, ScalingPolicy, Target
from tidegate.scaling.decide import decide, idle_seconds, look_seconds
from tidegate.scaling.record import Record
from tidegate.scaling.seen import Replica, Sight
from tidegate.scaling.stored import read, written

BOUNDS = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=70, low=30),))
TARGET = ScalingPolicy(targets=(Target(metric=Metric.CPU, value=60),))


def in_cores(*steps):
    """A load that is `cores` from `seconds` on."""
    return lambda now: [cores for since, cores in steps if since <= now][-1]


def test_a_load_that_comes_and_goes_is_followed_out_and_in_without_flapping():
    service = Scaled(BOUNDS, in_cores((0, 0.4), (600, 2.5), (2400, 0.4))).run(6000)
    before = [(current, wanted) for at, current, wanted in service.changes if at < 2400]
    after = [(current, wanted) for at, current, wanted in service.changes if at >= 2400]
    assert before == [(1, 2), (2, 3), (3, 4)]
    assert after == [(4, 3), (3, 2), (2, 1)]


def test_targets_follow_the_same_load_faster_and_stay_near_their_target():
    service = Scaled(TARGET, in_cores((0, 0.5), (600, 2.5), (2400, 0.5))).run(4000)
    out = [at for at, current, wanted in service.changes if wanted > current]
    assert min(out) < 630
    assert max(wanted for _, _, wanted in service.changes) == 4, "62.5 % is near enough"
    assert service.count == 1
    down = [at for at, current, wanted in service.changes if wanted < current]
    assert min(down) >= 2400 + 290, "what was right in the last 300 s is not undone"


@settings(max_examples=60, deadline=None)
@given(
    load=st.floats(0.0, 12.0),
    low=st.integers(0, 40),
    gap=st.integers(5, 50),
    step=st.integers(1, 5),
    replicas=st.integers(1, 10),
)
def test_bounds_do_not_flap_under_a_constant_load(load, low, gap, step, replicas):
    policy = ScalingPolicy(bounds=(Bound(metric=Metric.CPU, high=low + gap, low=low),), step=step)
    service = Scaled(policy, lambda now: load, replicas=replicas).run(8000)
    turns = [wanted > current for _, current, wanted in service.changes]
    assert sorted(turns, reverse=True) == turns, f"in and out again: {service.changes}"


@settings(max_examples=60, deadline=None)
@given(load=st.floats(0.0, 12.0), target=st.floats(20, 90), replicas=st.integers(1, 10))
def test_targets_do_not_flap_under_a_constant_load(load, target, replicas):
    policy = ScalingPolicy(targets=(Target(metric=Metric.CPU, value=target),))
    service = Scaled(policy, lambda now: load, replicas=replicas).run(4000)
    turns = [wanted > current for _, current, wanted in service.changes]
    assert sum(one != other for one, other in itertools.pairwise(turns)) <= 1
    assert not [at for at, _, _ in service.changes if at > 3000]


POLICIES = st.builds(
    ScalingPolicy,
    least=st.integers(0, 3),
    most=st.integers(3, 8),
    step=st.integers(1, 5),
    bounds=st.just((Bound(metric=Metric.CPU, high=70, low=30), Bound(metric=Metric.MEMORY, high=80, low=20))),
    scale_in=st.booleans(),
) | st.builds(
    ScalingPolicy,
    least=st.integers(0, 3),
    most=st.integers(3, 8),
    targets=st.just((Target(metric=Metric.CPU, value=60), Target(metric=Metric.REQUESTS, value=10))),
    in_window_seconds=st.sampled_from([0.0, 60.0, 300.0]),
)
FIGURES = st.dictionaries(st.sampled_from([Metric.CPU, Metric.MEMORY]), st.floats(0, 400), max_size=2)
REPLICAS = st.lists(st.tuples(st.floats(0, 900), st.booleans(), FIGURES), max_size=9)
WHOLE = st.dictionaries(st.sampled_from([Metric.REQUESTS, Metric.IN_FLIGHT]), st.floats(0, 500), max_size=2)


def sight(current, replicas, whole, now, waiting, frozen, blind):
    seen = tuple(
        Replica(
            id=str(at),
            started_at=now - age - 10,
            ready_since=now - age if ready else 0.0,
            measured_since=now - 10,
            figures=figures,
        )
        for at, (age, ready, figures) in enumerate(replicas)
    )
    return Sight(current=current, replicas=seen, whole=whole, waiting=waiting, frozen=frozen, blind=blind)


@settings(max_examples=150, deadline=None)
@given(
    POLICIES,
    st.lists(st.tuples(REPLICAS, WHOLE, st.integers(0, 2), st.booleans(), st.booleans()), max_size=30),
    st.data(),
)
def test_whatever_is_seen_the_count_stays_between_its_bounds_and_a_crash_changes_nothing(policy, looks, data):
    record, again, now, current = Record(), Record(), 1_000_000.0, max(policy.least, 1)
    for replicas, whole, waiting, frozen, blind in looks:
        seen = sight(current, replicas, whole, now, waiting, "release 3 is under way" * frozen, "blind" * blind)
        if data.draw(st.booleans()):
            again = read(written(again))
        record, decision = decide(policy, seen, record, now)
        again, replayed = decide(policy, seen, again, now)
        assert decision == replayed
        assert policy.least <= decision.wanted <= policy.most
        assert not (frozen and decision.wanted < current)
        assert not (blind and decision.changes)
        assert decision.why
        if not policy.scale_in:
            assert decision.wanted >= current
        current = decision.wanted
        now += look_seconds(policy)


def test_a_crash_between_any_two_looks_leads_to_the_same_changes():
    load = in_cores((0, 0.4), (300, 3.0), (1500, 0.2))
    for policy in (BOUNDS, TARGET):
        smooth = Scaled(policy, load).run(4000)
        assert Scaled(policy, load, crash=lambda look: True).run(4000).changes == smooth.changes


def quiet(current, whole=0.0, **more):
    replicas = tuple(
        Replica(id=str(at), started_at=1.0, ready_since=1.0, measured_since=2.0, figures={Metric.CPU: 1.0})
        for at in range(current)
    )
    return Sight(current=current, replicas=replicas, whole={Metric.REQUESTS: whole, Metric.IN_FLIGHT: whole}, **more)


def looked(policy, sights, record=None, now=1_000_000.0):
    record, decisions = record or Record(), []
    for each in sights:
        record, decision = decide(policy, each, record, now)
        decisions.append(decision)
        now += look_seconds(policy)
    return record, decisions


def test_a_service_goes_to_zero_only_after_a_time_without_a_request():
    policy = ScalingPolicy(bounds=BOUNDS.bounds, least=0, period_seconds=60.0)
    assert idle_seconds(policy) == 180
    busy = looked(policy, [quiet(1, whole=0.1)] * 60)[1]
    assert {each.wanted for each in busy} == {1}
    assert "until there was no request for 180 s" in busy[-6].why + busy[-1].why + busy[-4].why
    idle = looked(policy, [quiet(1)] * 30)[1]
    assert 0 in {each.wanted for each in idle}


def test_a_service_whose_traffic_is_not_known_never_goes_to_zero():
    policy = ScalingPolicy(bounds=BOUNDS.bounds, least=0)
    unknown = Sight(current=1, replicas=quiet(1).replicas)
    assert {each.wanted for each in looked(policy, [unknown] * 60)[1]} == {1}


def test_a_service_at_zero_comes_back_when_a_request_waits():
    policy = ScalingPolicy(bounds=BOUNDS.bounds, least=0)
    asleep = decide(policy, Sight(current=0), Record(), 1.0)[1]
    assert (asleep.wanted, asleep.why) == (0, "no request waits for it")
    woken = decide(policy, Sight(current=0, waiting=2), Record(), 1.0)[1]
    assert (woken.wanted, woken.why) == (1, "2 requests wait for it")


def test_a_count_outside_its_bounds_is_brought_back():
    policy = ScalingPolicy(bounds=BOUNDS.bounds, least=2, most=4)
    assert decide(policy, quiet(1), Record(), 1.0)[1].wanted == 2
    assert decide(policy, quiet(9), Record(), 1.0)[1].wanted == 4
    assert decide(policy, quiet(0), Record(), 1.0)[1].wanted == 2
    kept = decide(policy, quiet(9, frozen="release 3 is under way"), Record(), 1.0)[1]
    assert (kept.wanted, kept.why) == (9, "more than max_instances 4, but release 3 is under way")


def test_replicas_that_others_made_do_not_leave():
    idle = looked(BOUNDS, [quiet(3, floor=2)] * 60)[1]
    assert {each.wanted for each in idle} == {3, 2}
    kept = looked(BOUNDS, [quiet(2, floor=2)] * 20)[1]
    assert {each.wanted for each in kept} == {2}
    assert any(each.why.endswith("not fewer than the 2 replicas that Tidegate did not make") for each in kept)
    policy = ScalingPolicy(bounds=BOUNDS.bounds, most=3)
    assert decide(policy, quiet(5, floor=5), Record(), 1.0)[1].wanted == 5
    assert decide(policy, quiet(5, floor=4), Record(), 1.0)[1].wanted == 4
    assert decide(policy, quiet(1, floor=2), Record(), 1.0)[1].wanted == 2


def test_during_a_release_replicas_are_added_and_none_leaves():
    frozen = "release 3 is under way"
    idle = looked(BOUNDS, [quiet(2, frozen=frozen)] * 40)[1]
    assert {each.wanted for each in idle} == {2}
    assert any(f"nothing leaves: {frozen}" in each.why for each in idle)
    load = Scaled(BOUNDS, lambda now: 2.0)
    plain = load.sight
    load.sight = lambda: Sight(**{f: getattr(plain(), f) for f in Sight.__struct_fields__} | {"frozen": frozen})
    assert load.run(400).changes[0][1:] == (1, 2)


def test_nothing_is_concluded_while_the_engine_is_out_of_sight():
    decisions = looked(BOUNDS, [quiet(3, blind="the engine is out of sight")] * 40)[1]
    assert {(each.wanted, each.why) for each in decisions} == {(3, "the engine is out of sight")}


def test_looks_are_six_in_a_period_within_half_a_second_and_ten():
    assert look_seconds(BOUNDS) == 10
    assert look_seconds(ScalingPolicy(bounds=BOUNDS.bounds, period_seconds=12)) == 2
    assert look_seconds(ScalingPolicy(bounds=BOUNDS.bounds, period_seconds=1)) == 0.5
    assert look_seconds(TARGET) == 10
