"""What stays when a release governs no longer: nothing, where labels give the winner its traffic; else weights in its name. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tidegate.control.overrides import store_key
from tidegate.control.sighting import members
from tidegate.model import Inventory
from tidegate.release.record import TIDEGATE, Release, State
from tidegate.store.port import Put


def settled(release: Release, inventories: Mapping[str, Inventory], now: float) -> tuple[Put, ...]:
    """Writes for the transaction that closes `release`: a version that came with a weight of 0 would get nothing any more."""
    spec = release.spec
    won = release.state is State.COMPLETE
    winner, name = (spec.candidate, spec.candidate_name) if won else (spec.stable, spec.stable_name)
    found = members(inventories, winner).values()
    if not found or any(each.weight for each in found):
        return ()
    body = {"value": {name: 100}, "who": TIDEGATE, "when": now, "why": f"outcome of {release}"}
    return tuple(
        Put(key=store_key("weights", target), value=json.dumps(body, sort_keys=True).encode())
        for target in spec.targets
    )
