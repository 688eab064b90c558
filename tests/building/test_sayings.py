from msgspec.structs import replace

from tests.support.built import make, spec
from tests.support.seen import instance
from tidegate.building import resumed
from tidegate.building.sayings import said_of
from tidegate.model import Backend, Overrides


def said(made, route="a.test/"):
    return {name: (each.value, each.source) for name, each in said_of(made, made.table.routes[route]).items()}


def test_each_setting_in_force_is_told_with_who_said_it():
    web = instance("c1", routes=["a.test/"], settings={"retry.tries": "1", "limit.queue": "1", "tls.redirect": "false"})
    made = make(web, overrides=Overrides(settings={"web": {"limit.queue": "2"}, "a.test": {"filter.allow": "off"}}))
    assert said(made) == {
        "retry.tries": ("1", "labels of c1"),
        "limit.queue": ("2", "override of web"),
        "filter.allow": ("off", "override of a.test"),
    }


def test_a_route_of_a_file_is_told_with_its_line():
    made = make(
        instance("c1"), routes=(replace(spec("a.test/", Backend(service="web")), settings={"retry.tries": "1"}),)
    )
    assert said(made) == {"retry.tries": ("1", "tidegate.yaml:3")}


def test_of_a_route_of_an_earlier_life_only_the_settings_are_known():
    made = make(instance("c1", routes=["a.test/"], settings={"retry.tries": "1"}))
    remembered = resumed(made.table, 0.0)
    assert said(remembered)["retry.tries"][0] == "1"
