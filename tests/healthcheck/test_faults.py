"""One code for each cause, with what was tried."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tidegate.healthcheck.faults import problem
from tidegate.model import ASLEEP, Address, CheckTarget, HealthReport, HealthSource, HealthState

AT = Address(host="10.0.0.2", port=80)
TARGET = CheckTarget(endpoint="c1:80", instance="c1", service="shop/web", candidates=(AT,))


def report(state: HealthState, source: HealthSource = HealthSource.PROBE, address: Address | None = AT) -> HealthReport:
    return HealthReport(endpoint="c1:80", state=state, source=source, since=1.0, reason="status 503", address=address)


@pytest.mark.parametrize("state", [HealthState.STARTING, HealthState.HEALTHY, HealthState.DRAINING])
def test_only_the_unhealthy_are_a_problem(state):
    assert problem(TARGET, report(state)) is None


@pytest.mark.parametrize(
    ("source", "address", "code"),
    [
        (HealthSource.PROBE, None, "T1401"),
        (HealthSource.PASSIVE, None, "T1401"),
        (HealthSource.PROBE, AT, "T1402"),
        (HealthSource.ENGINE, AT, "T1403"),
        (HealthSource.ENGINE, None, "T1403"),
    ],
)
def test_each_cause_has_its_code(source, address, code):
    found = problem(TARGET, report(HealthState.UNHEALTHY, source, address))
    assert (found.code, found.place, found.cause) == (code, "c1", "status 503")
    assert "c1:80 of shop/web" in found.text


def test_nobody_is_missed_where_a_service_is_asleep():
    target = replace(TARGET, endpoint=f"{ASLEEP}:shop/web:80", instance=f"{ASLEEP}:shop/web", candidates=())
    assert problem(target, report(HealthState.UNHEALTHY, address=None)) is None


def test_of_another_nodes_endpoint_only_the_way_there_is_told():
    there = replace(TARGET, judge="node-a")
    assert problem(there, report(HealthState.UNHEALTHY, HealthSource.NODE)) is None
    found = problem(there, report(HealthState.UNHEALTHY, HealthSource.PASSIVE, None))
    assert found.code == "T2304" and "on node-a" in found.text and "10.0.0.2:80" in found.text


def test_the_addresses_tried_are_named():
    assert "10.0.0.2:80" in problem(TARGET, report(HealthState.UNHEALTHY, address=None)).text
