from msgspec.structs import replace

from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.building.layering import default_layers, override_layers
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
