from __future__ import annotations

import pytest

from tests.support.releases import container
from tidegate.model import InstanceState


@pytest.mark.parametrize(
    ("state", "ready", "alive"),
    [
        (InstanceState.CREATED, False, False),
        (InstanceState.RUNNING, True, True),
        (InstanceState.PAUSED, True, True),
        (InstanceState.DRAINING, False, True),
        (InstanceState.STOPPED, False, False),
    ],
)
def test_only_what_runs_is_ready_and_what_still_ends_is_alive(state, ready, alive):
    each = container("c", state=state)

    assert (each.ready, each.alive) == (ready, alive)


def test_a_container_whose_probe_has_not_succeeded_is_not_ready():
    assert not container("c", ready_since=0.0).ready
