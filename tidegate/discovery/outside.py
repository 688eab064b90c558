"""Services of stacks that are somewhere else: no container here, but a name that is answered, and routes if labels say so.

One at an address has that address. One at a name is another name for it in the DNS, which asks what it stands for now; only where a
route leads there is the name looked up here, again and again, since routers connect to addresses.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping

from msgspec.structs import replace

from tidegate.discovery.labels import understand
from tidegate.discovery.provider import Publish
from tidegate.engine.port import ContainerDetail
from tidegate.errors import Problem
from tidegate.model import Instance, InstanceState, Inventory, NetworkAddress
from tidegate.stacks.stack import Outside

NAME = "outside"
LOOK_SECONDS = 0.5
LOOKUP_SECONDS = 5.0  # for one name
AGAIN_LOOKS = 60  # names are looked up again after so many looks

Known = Mapping[str, tuple[Outside, ...]]  # by stack
Lookup = Callable[[str], Awaitable[tuple[str, ...]]]


async def lookup(host: str) -> tuple[str, ...]:
    """The addresses of a name, in order; empty where there are none now."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(sorted({str(place[0]) for *_, place in found}))


class OutsideProvider:
    """`known` gives them, None while that is not known; `node` is ours."""

    name = NAME

    def __init__(self, known: Callable[[], Known | None], node: str, lookup: Lookup = lookup) -> None:
        self._known = known
        self._node = node
        self._lookup = lookup
        self._addresses: dict[str, tuple[str, ...]] = {}  # of names that routes lead to, as last found
        self._services: dict[str, tuple[Instance, ...]] = {}
        self._version = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with their labels."""
        return tuple(problem for each in self._services.values() for one in each for problem in one.problems)

    async def run(self, publish: Publish) -> None:
        """Publish them once they are known, again when something changed, until cancelled."""
        while self._known() is None:  # noqa: ASYNC110  the store is read by others
            await asyncio.sleep(LOOK_SECONDS)
        looks = 0
        while True:
            if await self._look(again=looks % AGAIN_LOOKS == 0) or not self._version:
                self._version += 1
                publish(Inventory(provider=NAME, version=self._version, services=self._services))
            looks += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, *, again: bool) -> bool:
        """See what there is; whether it is another than before."""
        found: dict[str, tuple[Instance, ...]] = {}
        for stack, services in (self._known() or {}).items():
            for each in services:
                instances = await self._instances(stack, each, again=again)
                found[instances[0].key] = instances
        changed = found != self._services
        if changed:
            self._services = found
        return changed

    async def _instances(self, stack: str, outside: Outside, *, again: bool) -> tuple[Instance, ...]:
        said = self._said(stack, outside)
        if outside.has_address:
            return (_at(said, outside.host),)
        if not said.claims:
            return (replace(said, external=outside.host, ports=(), probe=None),)
        if again or outside.host not in self._addresses:
            # What was found before stays while a name server does not answer.
            self._addresses[outside.host] = await self._lookup(outside.host) or self._addresses.get(outside.host, ())
        return tuple(_at(said, address) for address in self._addresses[outside.host]) or (said,)

    def _said(self, stack: str, outside: Outside) -> Instance:
        detail = ContainerDetail(
            id=f"{NAME}:{stack}/{outside.name}",
            name=f"{stack}-{outside.name}",
            image="",
            state=InstanceState.RUNNING,
            labels=outside.labels,
            exposed=outside.ports,
        )
        # It is asked for by its name even while our own checks do not get through: others may.
        meant = understand(detail, NAME, self._node)
        return replace(meant, dns_fallback=True, scale=0, scaling=None, release=None)


def _at(said: Instance, address: str) -> Instance:
    ipv4, ipv6 = ("", address) if ":" in address else (address, "")
    place = NetworkAddress(network=NAME, name=NAME, ipv4=ipv4, ipv6=ipv6, routable=True)
    return replace(said, id=f"{said.id}@{address}", networks=(place,))
