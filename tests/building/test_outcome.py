from msgspec.structs import replace

from tests.support.built import NONE
from tests.support.seen import instance, inventory
from tidegate.building import build
from tidegate.errors import Problem
from tidegate.routing import RoutingTable


def test_nothing_seen_is_an_empty_table_with_nothing_to_publish():
    made = build(None, {}, {}, NONE)
    assert made.table == RoutingTable()
    assert made.delta.empty


def test_problems_of_providers_and_instances_are_kept_and_shown_once():
    wrong = Problem(code="T1203", text="unknown label")
    made = build(None, {"docker": replace(inventory(instance("c1", problems=(wrong,))), problems=(wrong,))}, {}, NONE)
    assert made.problems == (wrong,)
