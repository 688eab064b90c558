from __future__ import annotations

from tidegate.control.gauges import STALE_SECONDS, Gauges
from tidegate.control.metrics import Registry

NAME = "tidegate_router_held_requests"
WORKER = (("worker", "0"),)


def test_a_report_replaces_the_one_before_it():
    gauges = Gauges(lambda: 0.0, {})
    gauges.take(0, 1, [(NAME, WORKER, 3.0), ("tidegate_dns_streams", WORKER, 1.0)])
    gauges.take(0, 1, [(NAME, WORKER, 2.0)])
    assert gauges.values() == {NAME: {WORKER: 2.0}}


def test_two_generations_on_one_slot_add_up_but_versions_do_not():
    gauges = Gauges(lambda: 0.0, {})
    for pid, version in ((1, 7.0), (2, 9.0)):
        gauges.take(0, pid, [(NAME, WORKER, 3.0), ("tidegate_router_table_version", WORKER, version)])
    assert gauges.values() == {NAME: {WORKER: 6.0}, "tidegate_router_table_version": {WORKER: 9.0}}


def test_a_worker_that_says_nothing_any_more_is_gone():
    now = [0.0]
    gauges = Gauges(lambda: now[0], {})
    gauges.take(0, 1, [(NAME, WORKER, 3.0)])
    now[0] = STALE_SECONDS + 1
    gauges.take(1, 2, [(NAME, (("worker", "1"),), 1.0)])
    assert gauges.values() == {NAME: {(("worker", "1"),): 1.0}}


def test_gauges_are_rendered_with_their_sentence():
    gauges = Gauges(lambda: 0.0, {NAME: "Waiting."})
    gauges.take(0, 1, [(NAME, WORKER, 3.0)])
    registry = Registry()
    registry.also(gauges.families)
    assert b"# HELP tidegate_router_held_requests Waiting." in registry.text()
    assert b'tidegate_router_held_requests{worker="0"} 3.0' in registry.text()
