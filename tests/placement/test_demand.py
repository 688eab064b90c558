from __future__ import annotations

import pytest

from tidegate.placement.demand import Demand
from tidegate.placement.rules import Kind, Reschedule, Rule


@pytest.mark.parametrize(
    ("policy", "volumes", "everywhere", "moves"),
    [
        (Reschedule.AUTO, (), False, True),
        (Reschedule.AUTO, ("data",), False, False),
        (Reschedule.ALWAYS, ("data",), False, True),
        (Reschedule.NEVER, (), False, False),
        (Reschedule.ALWAYS, (), True, False),
    ],
)
def test_a_replica_moves_where_nothing_of_it_stays_behind_or_somebody_said_so(policy, volumes, everywhere, moves):
    demand = Demand(service="shop/web", reschedule=policy, volumes=volumes, everywhere=everywhere)
    assert demand.moves is moves


def test_rules_are_told_apart_by_kind_and_by_softness():
    hard = Rule(kind=Kind.AFFINITY, key="service", value="db")
    soft = Rule(kind=Kind.AFFINITY, key="service", value="cache", soft=True)
    demand = Demand(service="shop/web", rules=(hard, soft))
    assert demand.hard(Kind.AFFINITY) == (hard,)
    assert demand.soft(Kind.AFFINITY) == (soft,)
    assert not demand.hard(Kind.CONSTRAINT)
