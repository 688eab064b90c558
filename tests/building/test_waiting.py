from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from tests.support.built import OPTIONS, codes, make, shifted, spec, weights
from tests.support.releases import release as record
from tests.support.seen import healthy, instance, inventory
from tidegate.building import build, resumed
from tidegate.building.waiting import Holding, holding, waits
from tidegate.model import Backend, DnsMode, InstanceState, Overrides, ReleasePolicy
from tidegate.policy import FieldMatch, Match
from tidegate.release.overlay import overlay
from tidegate.release.record import State

POLICY = ReleasePolicy(strategy="canary")
V1 = instance("c1", version="v1", routes=["a.test/"], created_at=1.0)
V2 = instance("c2", version="v2", routes=["a.test/"], created_at=2.0, release=POLICY)
V3 = instance("c3", version="v3", routes=["a.test/"], created_at=3.0, release=POLICY)


def shares(made, name="web"):
    return {target.version: target.share for target in made.table.names[name].targets}


def test_a_version_with_a_policy_gets_nothing_beside_an_earlier_one():
    made = make(V1, V2)
    assert weights(made, "a.test/") == {"web v1": 100, "web v2": 0}
    assert shares(made) == {"v1": 100, "v2": 0}
    assert codes(made) == ["T1315"]
    assert "v2 of web gets no traffic: it waits for its release" in made.problems[0].text
    assert made.problems[0].mend.endswith("tidegate deploy web --version v2")


def test_the_first_version_of_a_service_serves_at_once_whatever_its_labels_say():
    made = make(V2)
    assert weights(made, "a.test/") == {"web v2": 100}
    assert codes(made) == []


def test_of_several_that_come_at_once_the_earliest_serves():
    assert weights(make(V2, V3), "a.test/") == {"web v2": 100, "web v3": 0}


def test_of_those_without_an_age_one_without_a_policy_serves():
    old, new = replace(V1, id="z", created_at=0.0), replace(V2, id="a", created_at=0.0)
    assert weights(make(old, new), "a.test/") == {"web v1": 100, "web v2": 0}


def test_a_version_without_a_policy_shares_as_ever():
    assert weights(make(V1, replace(V2, release=None)), "a.test/") == {"web v1": 100, "web v2": 100}


def test_weights_that_do_not_name_it_say_themselves_that_it_gets_nothing():
    made = make(V1, V2, overrides=shifted(v1=100))
    assert weights(made, "a.test/") == {"web v1": 100, "web v2": 0}
    assert codes(made) == ["T1310"]


def test_weights_that_name_it_are_its_release():
    first = make(V1, V2)
    second = make(V1, V2, previous=first, overrides=shifted(v1=95, v2=5))
    assert weights(second, "a.test/") == {"web v1": 95, "web v2": 5}
    assert shares(second) == {"v1": 95, "v2": 5}
    assert codes(second) == []


def test_a_version_that_was_released_keeps_the_service_when_its_weights_are_taken_away():
    first = make(V1, V2)
    second = make(V1, V2, previous=first, overrides=shifted(v1=0, v2=100))
    alone = make(V2, previous=second, overrides=shifted(v1=0, v2=100), now=1.0)
    done = make(V2, previous=alone, now=2.0)
    assert weights(done, "a.test/") == {"web v2": 100}
    assert codes(done) == []


def test_a_version_that_was_turned_back_waits_again_when_its_weights_are_taken_away():
    first = make(V1, V2, overrides=shifted(v1=50, v2=50))
    second = make(V1, V2, previous=first, overrides=shifted(v1=100, v2=0))
    assert weights(make(V1, V2, previous=second), "a.test/") == {"web v1": 100, "web v2": 0}


def test_a_restart_of_the_one_that_serves_gives_the_waiting_one_nothing():
    first = make(V1, V2)
    gone = make(replace(V1, state=InstanceState.STOPPED), V2, previous=first, now=10.0)
    assert weights(gone, "a.test/")["web v2"] == 0
    assert shares(gone) == {"v2": 0}
    back = make(V1, V2, previous=gone, now=12.0)
    assert weights(back, "a.test/") == {"web v1": 100, "web v2": 0}


def test_containers_made_anew_for_the_serving_version_do_not_lose_it_to_one_that_waits():
    one, anew = (replace(V1, id=id_, release=POLICY, created_at=at) for id_, at in (("c1", 1.0), ("c9", 9.0)))
    first = make(one, V2)
    gone = make(V2, previous=first, now=10.0)
    assert weights(gone, "a.test/")["web v2"] == 0
    back = make(V2, anew, previous=gone, now=12.0)
    assert weights(back, "a.test/") == {"web v1": 100, "web v2": 0}


def test_when_the_serving_version_stays_away_the_waiting_one_takes_over():
    first = make(V1, V2)
    gone = make(V2, previous=first, now=10.0)
    assert gone.wake_at == 10.0 + OPTIONS.linger_seconds
    later = make(V2, previous=gone, now=gone.wake_at)
    assert weights(later, "a.test/") == {"web v2": 100}
    assert later.wake_at is None


def test_a_version_that_comes_after_the_old_one_went_has_replaced_it():
    """`docker compose up` removes the old container before it starts the new one."""
    first = make(V1)
    gone = make(previous=first, now=10.0)
    assert weights(make(V2, previous=gone, now=11.0), "a.test/")["web v2"] == 100


def test_one_that_is_told_to_stop_holds_nothing_any_more():
    leaving = replace(V1, state=InstanceState.DRAINING)
    assert weights(make(leaving, V2), "a.test/")["web v2"] == 100
    first = make(V1, V2)
    second = make(leaving, V2, previous=first, now=10.0)
    assert weights(second, "a.test/")["web v2"] == 0
    assert weights(make(leaving, V2, previous=second, now=40.0), "a.test/")["web v2"] == 100


def test_a_program_that_starts_again_knows_from_its_last_table_who_waits():
    younger = replace(V1, id="c9", created_at=9.0, release=POLICY)
    before = make(V1, V2)
    after = make(younger, V2, previous=resumed(before.table, 0.0), now=1.0)
    assert weights(after, "a.test/") == {"web v1": 100, "web v2": 0}
    named = make(replace(V1, claims=()), replace(V2, claims=()))
    again = make(replace(younger, claims=()), replace(V2, claims=()), previous=resumed(named.table, 0.0), now=1.0)
    assert shares(again) == {"v1": 100, "v2": 0}


def test_services_without_routes_wait_in_their_names():
    one, two = replace(V1, claims=(), dns=DnsMode.ONE), replace(V2, claims=())
    made = make(one, two, health=healthy("c1:80", "c2:80"))
    assert shares(made) == {"v1": 100, "v2": 0}
    shifted_ = make(one, two, previous=made, overrides=shifted(v1=75, v2=25))
    assert shares(shifted_) == {"v1": 75, "v2": 25}
    assert shares(make(two, previous=shifted_, now=1.0)) == {"v2": 100}


def test_a_file_that_names_the_version_has_given_it_its_weight():
    one, two = replace(V1, claims=()), replace(V2, claims=())
    named = spec(
        "f.test/", Backend(service="web", version="v1", weight=90), Backend(service="web", version="v2", weight=10)
    )
    made = make(one, two, routes=(named, spec("g.test/", Backend(service="web"))))
    assert weights(made, "f.test/") == {"web v1": 90, "web v2": 10}
    assert weights(made, "g.test/") == {"web v1": 100, "web v2": 0}


BLUE = instance("b", "blue", routes=["a.test/"], created_at=1.0)
GREEN = instance("g", "green", routes=["a.test/"], created_at=2.0, release=POLICY)


def test_another_service_on_the_same_route_waits_beside_the_one_that_serves_it():
    """The flow of the original system: the new version is a service of its own, with weight 0."""
    first = make(BLUE)
    both = make(BLUE, GREEN, previous=first)
    assert weights(both, "a.test/") == {"blue default": 100, "green default": 0}
    assert codes(both) == ["T1315"]
    assert both.problems[0].mend.endswith("tidegate deploy blue --beside green")
    half = make(BLUE, GREEN, previous=both, overrides=shifted("a.test", blue=100, green=100))
    assert weights(half, "a.test/") == {"blue default": 100, "green default": 100}
    assert codes(half) == []
    over = make(BLUE, GREEN, previous=half, overrides=shifted("a.test", blue=0, green=100))
    gone = make(GREEN, previous=over, overrides=shifted("a.test", blue=0, green=100), now=1.0)
    assert weights(make(GREEN, previous=gone, now=2.0), "a.test/")["green default"] == 100


def test_services_that_were_there_from_the_start_share_a_route():
    made = make(replace(BLUE, release=POLICY), GREEN)
    assert weights(made, "a.test/") == {"blue default": 100, "green default": 100}


def test_nobody_waits_alone():
    assert waits({"v1": True}, set(), (), set()) == frozenset()
    assert waits({}, set(), (), set()) == frozenset()
    assert holding((), {}, Holding(), OPTIONS, 0.0) == Holding()


OLD = instance("o", project="shop", version="v1", routes=["a.test/"], created_at=1.0)
NEW = instance("n", project="shop", version="v2", routes=["a.test/"], created_at=2.0, release=POLICY)
SHOW = Match(headers=(FieldMatch(name="x-preview"),))


def governed(release, *instances, previous=None):
    return make(*instances, previous=previous, overrides=overlay(Overrides(), [release]))


def test_a_release_moves_the_service_from_one_version_to_the_other_and_leaves_it_there():
    begun = record(previews=(SHOW,))
    first = governed(begun, OLD, NEW, previous=make(OLD, NEW, previous=make(OLD)))
    assert weights(first, "a.test/") == {"shop/web v1": 100, "shop/web v2": 0}
    assert weights(first, "a.test/#header.x-preview") == {"shop/web v2": 100}
    assert codes(first) == []
    half = governed(replace(begun, weights={"v1": 50, "v2": 50}), OLD, NEW, previous=first)
    done = replace(begun, weights={"v1": 0, "v2": 100}, state=State.COMPLETE)
    whole = governed(done, OLD, NEW, previous=half)
    assert set(whole.table.routes) == {"a.test/"}
    gone = governed(done, NEW, previous=whole)
    after = governed(replace(done, closed=True), NEW, previous=gone)
    for made in (whole, gone, after):
        assert weights(made, "a.test/")["shop/web v2"] == 100
        assert shares(made, "web.shop")["v2"] == 100


def test_a_release_that_was_turned_back_leaves_nothing_to_a_candidate_that_stays():
    begun = record()
    half = governed(replace(begun, weights={"v1": 50, "v2": 50}), OLD, NEW, previous=make(OLD))
    back = governed(replace(begun, weights={"v1": 100, "v2": 0}, state=State.ROLLED_BACK), OLD, NEW, previous=half)
    after = governed(replace(begun, closed=True), OLD, NEW, previous=back)
    for made in (back, after):
        assert weights(made, "a.test/") == {"shop/web v1": 100, "shop/web v2": 0}


VERSIONS = ("", "v1", "v2", "v3")


@given(
    st.permutations(VERSIONS).map(lambda order: order[:3]),
    st.sets(st.sampled_from(VERSIONS)),
    st.sets(st.sampled_from(VERSIONS)),
)
def test_without_a_memory_somebody_always_serves(order, policied, served):
    wanting = {version: version in policied for version in order}
    waiting = waits(wanting, served & set(order), (), set())
    assert waiting < set(order)
    assert not waiting & served
    assert all(wanting[version] for version in waiting)


class Mesh(RuleBasedStateMachine):
    """Containers of four versions come and go, weights are set and taken away. Whoever has a policy and was never named by a
    weight, nor alone when it came, never has a share."""

    def __init__(self):
        super().__init__()
        self.made = None
        self.now = 0.0
        self.serial = 0
        self.alive: dict[str, list] = {}
        self.layers: dict[str, int] = {}
        self.free: set[str] = set()  # who has had a reason for a share

    def _build(self):
        everyone = [one for members in self.alive.values() for one in members]
        overrides = shifted(**self.layers) if self.layers else shifted("other", v1=1)
        seen = {"docker": inventory(*everyone)}
        self.made = build(self.made, seen, {}, overrides, OPTIONS, now=self.now)

    @rule(version=st.sampled_from(VERSIONS[1:]), policied=st.booleans())
    def start(self, version, policied):
        if not policied or not self.alive or (self.made is not None and not self._holders()):
            self.free.add(version)
        self.serial += 1
        fields = {"release": POLICY if policied else None, "created_at": float(self.serial)}
        fresh = instance(f"c{self.serial}", version=version, routes=["a.test/"], **fields)
        self.alive.setdefault(version, []).append(fresh)
        self._build()

    def _holders(self):
        return [version for version in self.alive if version in self.free]

    @rule(version=st.sampled_from(VERSIONS[1:]))
    def stop_all(self, version):
        if self.alive.pop(version, None):
            if not self._holders():
                self.free.update(self.alive)  # after a while they take over
            self._build()

    @rule(seconds=st.sampled_from((1.0, 40.0)))
    def wait(self, seconds):
        self.now += seconds
        self._build()

    @rule(names=st.dictionaries(st.sampled_from(VERSIONS[1:]), st.sampled_from((0, 5, 100)), max_size=3))
    def shift(self, names):
        self.layers = names
        self.free.update(version for version, weight in names.items() if weight)
        if not any(weight for version, weight in names.items() if version in self.alive):
            self.free.update(self.alive)  # an override that fits nobody is moot
        self._build()

    @invariant()
    def nobody_serves_by_surprise(self):
        if self.made is None or "web" not in self.made.table.names:
            return
        told = shares(self.made)
        routed = weights(self.made, "a.test/")
        for version in self.alive:
            if version not in self.free:
                assert told[version] == 0
                assert routed[f"web {version}"] == 0


TestMesh = Mesh.TestCase
