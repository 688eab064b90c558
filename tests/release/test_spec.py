from __future__ import annotations

from msgspec import json

from tests.support.releases import spec
from tidegate.release.spec import Side, Slot


def test_versions_of_one_service_are_weighed_by_their_versions():
    asked = spec(stable=Side(service="web"), candidate=Side(service="web", version="v2"))

    assert (asked.stable_name, asked.candidate_name) == ("default", "v2")


def test_two_services_on_one_route_are_weighed_by_their_keys():
    asked = spec(stable=Side(service="shop/nginx-v1"), candidate=Side(service="shop/nginx-v2"), targets=("a.test",))

    assert (asked.stable_name, asked.candidate_name) == ("shop/nginx-v1", "shop/nginx-v2")


def test_a_container_has_the_same_name_whenever_it_is_asked_for():
    assert spec().container_name(2) == "web-v2-2"


def test_more_replicas_than_before_use_the_places_in_turn():
    asked = spec(slots=(Slot(container="a", node="n1"), Slot(container="b", node="n2")))

    assert [asked.slot(number).node for number in (1, 2, 3)] == ["n1", "n2", "n1"]


def test_a_release_without_places_is_somebody_elses_to_start():
    assert spec().creates
    assert not spec(slots=()).creates


def test_what_was_asked_is_stored_in_full_so_that_other_defaults_do_not_change_it():
    assert json.decode(json.encode(spec()))["ready_seconds"] == 300.0
