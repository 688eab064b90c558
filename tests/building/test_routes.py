from msgspec.structs import replace

from tests.support.built import BETA, codes, make, shifted, spec, weights
from tests.support.seen import claim, instance
from tidegate.building import resumed
from tidegate.building.routes import FILE_OWNER
from tidegate.model import Backend, Overrides
from tidegate.policy import Balance, Limits, Policy, Retry


def test_the_first_claim_wins_and_another_project_is_quarantined():
    made = make(
        instance("late", project="b", routes=["a.test/"], created_at=2.0),
        instance("early", project="a", routes=["a.test/"], created_at=1.0),
    )
    assert made.table.routes["a.test/"].owner == "a"
    assert {b.service for b in made.table.routes["a.test/"].backends} == {"a/web"}
    (problem,) = made.problems
    assert problem.code == "T1301"
    assert "late" in problem.text
    assert "early" in problem.text
    assert problem.mend


def test_a_holder_stays_even_if_an_older_container_claims_later():
    first = make(instance("held", project="a", routes=["a.test/"], created_at=5.0))
    second = make(
        instance("held", project="a", routes=["a.test/"], created_at=5.0),
        instance("older", project="b", routes=["a.test/"], created_at=1.0),
        previous=first,
    )
    assert second.table.routes is first.table.routes
    assert codes(second) == ["T1301"]


def test_when_the_holder_is_gone_for_good_the_next_claim_gets_the_route():
    a = instance("a1", project="a", routes=["a.test/"], created_at=1.0)
    b = instance("b1", project="b", routes=["a.test/"], created_at=2.0)
    first = make(a, b)
    held = make(b, previous=first, now=100.0)
    assert held.table.routes["a.test/"].owner == "a"
    assert held.wake_at == 130.0
    after = make(b, previous=held, now=130.0)
    assert after.table.routes["a.test/"].owner == "b"
    assert after.problems == ()
    assert after.wake_at is None


def test_services_of_one_project_share_a_route_by_weight():
    made = make(
        instance("v1", "web-v1", project="a", routes=["a.test/"], weight=100),
        instance("v2", "web-v2", project="a", routes=["a.test/"], weight=0),
    )
    assert weights(made, "a.test/") == {"a/web-v1 default": 100, "a/web-v2 default": 0}


def test_versions_of_one_service_have_weights_of_their_own_and_the_earliest_wins_a_conflict():
    made = make(
        instance("c1", version="v1", weight=90, routes=["a.test/"], created_at=1.0),
        instance("c2", version="v1", weight=50, routes=["a.test/"], created_at=2.0),
        instance("c3", version="v2", weight=10, routes=["a.test/"], created_at=3.0),
    )
    assert weights(made, "a.test/") == {"web v1": 90, "web v2": 10}
    assert codes(made) == ["T1306"]


def test_replicas_that_say_different_settings_are_reported_and_the_earliest_holds():
    made = make(
        instance("c1", routes=["a.test/"], settings={"balance.sticky": "true"}, created_at=1.0),
        instance("c2", routes=["a.test/"], settings={"balance.sticky": "false"}, created_at=2.0),
        instance("c3", routes=["a.test/"], settings={"retry.tries": "1"}, created_at=3.0),
    )
    assert made.table.routes["a.test/"].policy == Policy(balance=Balance(sticky=True))
    assert codes(made) == ["T1307", "T1307"]
    assert made.problems[1].text.endswith(": balance.sticky, retry.tries")


def test_a_new_version_says_its_own_settings_once_the_old_one_has_gone():
    old = instance("c1", version="v1", routes=["a.test/"], settings={"retry.tries": "1"}, created_at=1.0)
    new = instance("c2", version="v2", routes=["a.test/"], settings={"retry.tries": "2"}, created_at=2.0)
    both = make(old, new)
    assert both.table.routes["a.test/"].policy.retry.tries == 1
    assert codes(both) == []
    assert make(new, previous=both).table.routes["a.test/"].policy.retry.tries == 2


def test_an_override_of_a_route_goes_before_one_of_its_host_and_that_before_one_of_its_service():
    web = instance("c1", routes=["a.test/", "a.test/api"], settings={"retry.tries": "1", "limit.queue": "1"})
    layers = {
        "web": {"retry.tries": "2", "retry.budget_percent": "2", "limit.requests": "2"},
        "a.test": {"retry.tries": "3", "retry.budget_percent": "3"},
        "a.test/api": {"retry.tries": "4"},
    }
    made = make(web, overrides=Overrides(settings=layers))
    policies = {id_: route.policy for id_, route in made.table.routes.items()}
    assert policies["a.test/api"] == Policy(retry=Retry(tries=4, budget_percent=3), limits=Limits(queue=1, requests=2))
    assert policies["a.test/"].retry.tries == 3


def test_a_route_of_a_file_takes_its_settings_and_those_of_overrides():
    said = replace(spec("a.test/", Backend(service="web")), settings={"retry.tries": "1", "limit.queue": "1"})
    made = make(instance("c1"), routes=(said,), overrides=Overrides(settings={"web": {"retry.tries": "2"}}))
    assert made.table.routes["a.test/"].policy == Policy(retry=Retry(tries=2), limits=Limits(queue=1))


def test_a_claim_that_cannot_be_served_harms_only_itself():
    broken = replace(instance("c1"), claims=(claim("a.test/", 99999), claim("b.test/")))
    made = make(broken)
    assert set(made.table.routes) == {"b.test/"}
    assert codes(made) == ["T1308"]


def test_a_route_in_a_file_names_its_backends():
    made = make(instance("c1"), routes=(spec("a.test/", Backend(service="web")),))
    assert made.table.routes["a.test/"].owner == FILE_OWNER
    assert made.table.routes["a.test/"].backends == (Backend(service="web"),)


def test_a_file_route_over_a_service_with_versions_can_be_shifted():
    v1, v2 = instance("c1", version="v1", weight=100), instance("c2", version="v2", weight=0)
    routes = (spec("a.test/", Backend(service="web")),)
    assert weights(make(v1, v2, routes=routes), "a.test/") == {"web v1": 100, "web v2": 0}
    made = make(v1, v2, routes=routes, overrides=shifted(v1=1, v2=3))
    assert weights(made, "a.test/") == {"web v1": 1, "web v2": 3}


def test_a_file_route_follows_the_versions_of_its_service():
    routes = (spec("a.test/", Backend(service="web")),)
    first = make(instance("c1", version="v1"), routes=routes)
    second = make(instance("c1", version="v1"), instance("c2", version="v2"), routes=routes, previous=first)
    assert weights(second, "a.test/") == {"web v1": 100, "web v2": 100}


def test_a_share_among_services_is_divided_by_the_versions():
    routes = (spec("a.test/", Backend(service="web", weight=50), Backend(service="api", weight=50)),)
    made = make(
        instance("c1", version="v1", weight=90),
        instance("c2", version="v2", weight=10),
        instance("c3", "api"),
        routes=routes,
    )
    assert weights(made, "a.test/") == {"web v1": 45, "web v2": 5, "api default": 50}


def test_a_file_route_that_names_nobody_is_reported_and_heals():
    routes = (spec("a.test/", Backend(service="web")),)
    first = make(routes=routes)
    assert codes(first) == ["T1303"]
    second = make(instance("c1"), routes=routes, previous=first)
    assert second.problems == ()


def test_the_same_route_twice_in_files_is_reported():
    one, two = spec("a.test/", Backend(service="web")), spec("a.test/", Backend(service="api"), origin="b.yaml:9")
    made = make(instance("c1"), instance("c2", "api"), routes=(one, two))
    assert made.table.routes["a.test/"].backends[0].service == "web"
    assert codes(made) == ["T1302"]


def test_files_and_containers_do_not_share_a_route():
    routes = (spec("a.test/", Backend(service="web")),)
    made = make(instance("c1"), instance("x", "api", routes=["a.test/"]), routes=routes)
    assert made.table.routes["a.test/"].owner == FILE_OWNER
    assert codes(made) == ["T1301"]
    first = make(instance("x", "api", routes=["a.test/"]))
    second = make(instance("x", "api", routes=["a.test/"]), instance("c1"), routes=routes, previous=first)
    assert second.table.routes["a.test/"].owner == ""
    assert codes(second) == ["T1301"]


def test_a_route_with_conditions_is_taken_over_from_an_earlier_life():
    web = instance("c1", routes=["a.test/"], match=BETA, settings={"retry.tries": "1"})
    before = make(web)
    again = make(web, previous=resumed(before.table, 0.0))
    assert again.table.routes == before.table.routes
    gone = make(previous=resumed(before.table, 0.0), now=1.0)
    assert gone.table.routes["a.test/#header.x-beta=1"].policy.retry.tries == 1
    assert make(previous=gone, now=100.0).table.routes == {}


def test_a_protection_that_only_a_later_container_asks_for_holds_for_the_whole_route():
    made = make(
        instance("c1", routes=["a.test/"], version="v1", created_at=1.0),
        instance("c2", routes=["a.test/"], version="v2", created_at=2.0, settings={"filter.allow": "10.0.0.0/8"}),
        instance("c3", "api", routes=["a.test/"], created_at=3.0, settings={"filter.deny": "192.0.2.0/24"}),
    )
    filters = made.table.routes["a.test/"].policy.filters
    assert (filters.allow, filters.deny) == (("10.0.0.0/8",), ("192.0.2.0/24",))
