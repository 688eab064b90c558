import pytest

from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.control.targets import also_named, completed, drainable, known, routes_of, weights_of
from tidegate.errors import NoSuchThing
from tidegate.model import Overrides, Preview
from tidegate.policy import FieldMatch, Match

MADE = build(
    None,
    {
        "docker": inventory(
            instance("c1", version="v1", routes=["a.test/", "a.test/api"], node="n1"),
            instance("c2", version="v2", weight=10, routes=["a.test/"]),
            instance("x1", "api", routes=["a.test/api"]),
            instance("y1", "lonely"),
        )
    },
    {},
    Overrides(),
)
TABLE = MADE.table


@pytest.mark.parametrize(
    ("target", "routes"),
    [
        ("web", {"a.test/", "a.test/api"}),
        ("a.test", {"a.test/", "a.test/api"}),
        ("a.test/api", {"a.test/api"}),
        ("lonely", set()),
    ],
)
def test_a_target_governs_its_routes(target, routes):
    assert {route.id for route in routes_of(TABLE, target)} == routes
    known(TABLE, target)


def test_a_preview_is_no_target_and_its_weight_is_none_that_was_set():
    shown = Preview(backend="v2", matches=(Match(headers=(FieldMatch(name="x-preview"),)),))
    made = build(None, MADE.memo.inventories, {}, Overrides(weights={"web": {"v1": 9}}, previews={"web": shown}))
    assert "a.test/#header.x-preview" in made.table.routes
    assert weights_of(made.table, "web") == weights_of(made.table, "a.test/") == {"v1": 9, "v2": 0}
    assert {route.id for route in routes_of(made.table, "web")} == {"a.test/", "a.test/api"}
    with pytest.raises(NoSuchThing):
        known(made.table, "a.test/#header.x-preview")


def test_an_unknown_target_is_answered_with_names_like_it():
    with pytest.raises(NoSuchThing, match="lonely"):
        known(TABLE, "lonly")


@pytest.mark.parametrize("name", ["c1", "c1:80", "n1"])
def test_what_an_operator_may_drain(name):
    drainable(MADE, name)


def test_what_nobody_is_called_cannot_be_drained():
    with pytest.raises(NoSuchThing, match="did you mean"):
        drainable(MADE, "c11")


def test_weights_are_named_by_version_or_by_service_where_there_are_several():
    assert weights_of(TABLE, "web") == {"v1": 100, "v2": 10}
    assert weights_of(TABLE, "a.test/api") == {"api": 100, "web": 100}
    assert weights_of(TABLE, "a.test/") == {"v1": 100, "v2": 10}
    assert weights_of(TABLE, "lonely") == {"default": 100}


def test_a_host_may_be_weighed_by_versions_too():
    assert also_named(TABLE, "a.test/api") == {"api", "web", "v1", "default"}
    assert also_named(TABLE, "web") == {"v1", "v2"}


def test_what_is_not_named_keeps_its_weight():
    assert completed(TABLE, "web", {"v2": 50}) == {"v1": 100, "v2": 50}
    assert completed(TABLE, "a.test/api", {"v1": 5}) == {"v1": 5}
