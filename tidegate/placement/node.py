"""What is known of a node when replicas are placed."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from tidegate.placement.resources import NOTHING, Resources
from tidegate.value import Value

#: Keys that name one fact, as classic Swarm, the original service and Swarm mode write them.
FACTS = ("node", "node.id", "node.name", "node.hostname", "node.role", "node.ip", "node.zone", "node.index")
PLATFORM = ("node.platform.os", "node.platform.arch")
LABELS = ("node.labels.", "engine.labels.")


class NodeFacts(Value):
    """One node. `name` is its name everywhere in the store; `id` and `hostname` are the engine's.

    `ready`: it keeps its lease and its engine answers; it says that it does not after 15 s only, since a node that is not ready loses its
    replicas. `drained`: an operator wants nothing on it, since `drained_since`. `index` is its number in
    the cluster, from 1. `platform` is `os/arch`, empty where it is not known. `capacity` without either amount: that amount is not
    counted there. `taken` and `ports` are what is used by others than our replicas, `images` the names and ids of images it holds, `volumes`
    the local volumes, `containers` (name -> labels) those that we did not place; `cut` says of which of these there are more, and how many. `incarnation` changes when it was started anew.
    """

    name: str
    id: str = ""
    hostname: str = ""
    role: str = "worker"
    zone: str = ""
    index: int = 0
    labels: dict[str, str] = {}
    platform: str = ""
    addresses: tuple[str, ...] = ()
    capacity: Resources = NOTHING
    taken: Resources = NOTHING
    ports: tuple[str, ...] = ()
    images: frozenset[str] = frozenset()
    volumes: tuple[str, ...] = ()
    containers: dict[str, dict[str, str]] = {}
    cut: dict[str, int] = {}
    ready: bool = True
    drained: bool = False
    drained_since: float = 0.0
    incarnation: str = ""

    def values(self, key: str) -> tuple[str, ...]:
        """What a constraint's key stands for here: a node has two names. A label that it does not have is empty."""
        if key in ("node", "aliyun.node"):
            return (self.name, self.id) if self.id else (self.name,)
        return (self._value(key),)

    def within(self, network: str) -> bool:
        """Whether one of its addresses is `network`, or in it."""
        net = ip_network(network, strict=False)
        return any(ip_address(address) in net for address in self.addresses)

    def _value(self, key: str) -> str:
        system, _, machine = self.platform.partition("/")
        known = {
            "node.id": self.id,
            "node.name": self.name,
            "node.hostname": self.hostname or self.name,
            "node.role": self.role,
            "node.zone": self.zone,
            "node.index": str(self.index),
            "node.platform.os": system,
            "node.platform.arch": machine,
            "aliyun.zone": self.zone,
            "aliyun.node_index": str(self.index),
        }
        if key in known:
            return known[key]
        for prefix in LABELS:
            if key.startswith(prefix):
                return self.labels.get(key.removeprefix(prefix), "")
        return self.labels.get(key, self.zone if key == "zone" else "")
