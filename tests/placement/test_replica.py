from __future__ import annotations

from msgspec import json

from tidegate.placement.replica import Place, Replica, State
from tidegate.placement.resources import Resources

PLACE = Place(service="shop/web", slot=2, generation=5, revision="r1", node="n1", reservation=Resources(cpu=0.5))


def test_a_place_is_called_by_slot_and_generation():
    assert PLACE.key == "shop/web/2.5"


def test_a_place_is_stored_as_it_was():
    assert json.decode(json.encode(PLACE), type=Place) == PLACE


def test_a_replica_shows_its_place():
    replica = Replica(place=PLACE, state=State.READY)
    assert (replica.service, replica.slot, replica.generation, replica.revision, replica.node) == (
        "shop/web",
        2,
        5,
        "r1",
        "n1",
    )
    assert replica.ready and replica.staying
