from msgspec.structs import replace

from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.building.layering import default_conflicts, default_layers, override_layers
from tidegate.errors import Severity
from tidegate.model import Inventory, Overrides
from tidegate.policy import Policy, Retry
from tidegate.settings.layers import Layer


def file(name, **defaults):
    return Inventory(
        provider=name, version=1, defaults={key.replace("_", ".", 1): value for key, value in defaults.items()}
    )


def test_of_two_files_the_first_by_name_has_the_last_word():
    layers = default_layers({each.provider: each for each in (file("b", retry_tries="2"), file("a", retry_tries="1"))})
    assert [layer.source for layer in layers] == ["defaults of b", "defaults of a"]


def conflicts(*files):
    return default_conflicts({each.provider: each for each in files})


def test_two_files_whose_defaults_differ_are_both_named():
    (problem,) = conflicts(
        file("file:a.yaml", retry_tries="1", limit_queue="5"),
        file("file:b.yaml", retry_tries="2", limit_queue="5"),
    )
    assert (problem.code, problem.severity, problem.place) == ("T1314", Severity.WARNING, "b.yaml")
    assert problem.text == "the defaults of a.yaml and b.yaml differ: retry.tries"
    assert problem.kept == "what a.yaml says"


def test_parts_of_a_family_that_is_taken_from_one_place_differ_too():
    one = Inventory(provider="a", version=1, defaults={"filter.rate.per_second": "5"})
    other = Inventory(provider="b", version=1, defaults={"filter.rate.per_second": "5", "filter.rate.burst": "9"})
    (problem,) = conflicts(one, other)
    assert problem.text.endswith("differ: filter.rate.burst")


def test_files_that_say_different_things_or_the_same_do_not_differ():
    assert conflicts(file("a", retry_tries="1"), file("b", limit_queue="2"), file("c")) == ()
    assert conflicts(file("a", retry_tries="1"), file("b", retry_tries="1")) == ()
    assert conflicts(file("a", retry_tries="1")) == ()


def test_a_build_tells_of_defaults_that_differ():
    files = {each.provider: each for each in (file("a", retry_tries="1"), file("b", retry_tries="2"))}
    assert [problem.code for problem in build(None, files, {}, Overrides()).problems] == ["T1314"]


def test_what_a_file_says_of_all_routes_lies_below_what_a_route_says_itself():
    web = instance("c1", routes=["a.test/"], settings={"retry.tries": "1"})
    api = instance("c2", "api", routes=["b.test/"])
    seen = {"docker": inventory(web, api)}
    first = build(None, seen | {"f": file("f", retry_tries="2")}, {}, Overrides())
    assert {id_: route.policy for id_, route in first.table.routes.items()} == {
        "a.test/": Policy(retry=Retry(tries=1)),
        "b.test/": Policy(retry=Retry(tries=2)),
    }
    second = build(first, seen | {"f": file("f", retry_tries="4")}, {}, Overrides())
    assert set(second.delta.routes) == {"b.test/"}


def test_what_a_claim_implies_lies_below_the_defaults():
    web = instance("c1", routes=["a.test/"])
    web = replace(web, claims=(replace(web.claims[0], implied={"balance.sticky": "true"}),))
    seen = {"docker": inventory(web)}
    assert build(None, seen, {}, Overrides()).table.routes["a.test/"].policy.balance.sticky
    seen["f"] = Inventory(provider="f", version=1, defaults={"balance.sticky": "false"})
    assert not build(None, seen, {}, Overrides()).table.routes["a.test/"].policy.balance.sticky


def test_overrides_are_found_for_the_service_the_host_and_the_route():
    overrides = Overrides(settings={"web": {"a": "1"}, "a.test": {"a": "2"}, "a.test/": {"a": "3"}, "b": {}})
    assert override_layers("a.test/", "a.test", ["web", "web"], overrides) == (
        Layer(source="override of web", settings={"a": "1"}),
        Layer(source="override of a.test", settings={"a": "2"}),
        Layer(source="override of a.test/", settings={"a": "3"}),
    )
    assert override_layers("c/", "c", ["x"], Overrides()) == ()
