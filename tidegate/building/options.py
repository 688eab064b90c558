"""What the builder is told once, when the program starts."""

from __future__ import annotations

from msgspec import field

from tidegate.model import LOOPBACK, PRIVATE
from tidegate.value import Value


class BuildOptions(Value, frozen=True):
    """`linger_seconds`: how long a claim is held after its last live instance went. `ttl_seconds`: of DNS names.

    `node_addresses`: node name -> the address at which its host network and published ports are reached; a node that
    is not named is reached at 127.0.0.1. `domain` is the zone of service names; `callers` are the networks that may call services
    by them through the router.
    """

    linger_seconds: float = 30.0
    ttl_seconds: int = 5
    node_addresses: dict[str, str] = field(default_factory=dict)
    domain: str = "mesh.internal"
    callers: tuple[str, ...] = (*LOOPBACK, *PRIVATE)
