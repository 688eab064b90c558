from tests.support.built import NONE, make
from tests.support.seen import instance, inventory
from tidegate.building import build


def test_the_checker_is_told_what_to_watch_and_what_to_forget():
    first = make(instance("c1"), instance("c2"))
    assert {check.endpoint for check in first.checks_changed} == {"c1:80", "c2:80"}
    second = make(instance("c2"), previous=first)
    assert second.checks_changed == ()
    assert second.checks_removed == ("c1:80",)
    assert set(second.checks) == {"c2:80"}


def test_instances_of_one_service_from_two_providers_stand_together():
    seen = {
        "docker": inventory(instance("c1", created_at=2.0)),
        "file": inventory(instance("f1", created_at=1.0), provider="file"),
    }
    made = build(None, seen, {}, NONE)
    assert [each.id for each in made.table.services["web"].endpoints] == ["f1:80", "c1:80"]


def test_a_provider_that_went_takes_its_instances_along():
    seen = {"docker": inventory(instance("c1")), "file": inventory(instance("f1"), provider="file")}
    first = build(None, seen, {}, NONE)
    second = build(first, {"docker": seen["docker"]}, {}, NONE)
    assert [each.id for each in second.table.services["web"].endpoints] == ["c1:80"]
