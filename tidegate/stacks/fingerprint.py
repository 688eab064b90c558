"""What makes a container another one: a stable digest of its configuration (pure).

Two specs have one fingerprint exactly when a container made from the one need not be made anew for the other. The digest stays
the same over versions of Tidegate as long as no new field of a spec is used: what is not said is left out.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.spec import ContainerSpec

CONFIG_LABEL = "io.tidegate.config"
# Labels that say how many, in what order and on whose account, or were written by us: a container does not change with them.
BESIDE = frozenset({
    *(f"{prefix}.{name}" for prefix in ("aliyun", "tidegate") for name in ("scale", "global", "depends", "latest_image", "account")),
    *(f"{prefix}.rolling_updates{rest}" for prefix in ("aliyun", "tidegate") for rest in ("", ".parallelism")),
    "tidegate.reschedule",
    CONFIG_LABEL,
    NUMBER_LABEL,
})  # fmt: skip
_BESIDE_FAMILIES = ("com.docker.swarm.",)


def fingerprint(spec: ContainerSpec) -> str:
    """Sixteen hex digits, whatever the replica's name and number."""
    said = msgspec.json.encode(essence(spec), order="deterministic")
    return hashlib.sha256(said).hexdigest()[:16]


def fingerprint_with(config: str, digest: str) -> str:
    """That of a spec with the fingerprint `config`, whose image is to be the one with this digest, whatever its name stands for."""
    return hashlib.sha256(f"{config} {digest}".encode()).hexdigest()[:16]


def essence(spec: ContainerSpec) -> dict[str, Any]:
    """What the digest is made of, as plain data: nothing that was not said. The order of networks counts, the first is special."""
    data: dict[str, Any] = msgspec.to_builtins(spec)
    data.pop("name", None)
    data["labels"] = {name: text for name, text in spec.labels.items() if not is_beside(name)}
    data["first_network"] = next(iter(spec.networks), "")
    # A part that was built from nothing is the same as none.
    return {key: item for key, item in data.items() if item not in ("", {}, [])}


def is_beside(label: str) -> bool:
    """Whether a container need not be made anew when this label changes."""
    return label in BESIDE or label.startswith(_BESIDE_FAMILIES)
