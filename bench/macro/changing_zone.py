"""A worker's data plane whose table changes all the time: `python -m bench.macro.changing_zone PORT NAMES CHANGES_PER_SECOND`.

The DNS side of one worker on its own loop, with a table of NAMES names. Each change is a delta as control sends it, one name that
moves to another address, and goes the worker's way: `with_delta`, then `DataPlane.apply`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile

from bench.macro import loopback
from bench.macro.resolvers import ZONE
from tidegate.app.worker import DataPlane
from tidegate.config import Config, DnsConfig, StateConfig
from tidegate.dns.listener import bind
from tidegate.model import Address, DnsName, DnsTarget, NetworkAddress
from tidegate.router.loop import Loop
from tidegate.routing import Delta, RoutingTable, with_delta


def entry(number: int, ipv4: str) -> DnsName:
    """Name number `number`, at this address."""
    place = NetworkAddress(network="n", name="n", ipv4=ipv4, ipv6="::1")
    name = f"s{number:05}"
    return DnsName(name=name, targets=(DnsTarget(name=f"1.{name}", addresses=(place,), ports=(80,)),))


async def serve(port: int, count: int, rate: float) -> None:
    """Answer until cancelled, changing names in turn on a fixed schedule; late changes are made up for."""
    config = Config(
        dns=DnsConfig(domain=ZONE, forward=False), state=StateConfig(folder=tempfile.mkdtemp(prefix="changing"))
    )
    plane = DataPlane(config, 0, lambda _message: None)
    names = {f"s{number:05}": entry(number, ip) for number, ip in enumerate(loopback.addresses(count))}
    table = RoutingTable(version=1, names=names)
    plane.apply(table, Delta(base=0, version=1, names=names))
    gc.freeze()
    udp, tcp = bind(Address(host="127.0.0.1", port=port))
    async with asyncio.TaskGroup() as group:
        group.create_task(plane.dns.run([udp], [tcp]))
        clock = asyncio.get_running_loop().time
        began = clock()
        while rate:
            number = table.version * 7919 % count  # prime: every name in turn, neighbours far apart
            ip = f"127.{100 + table.version % 100}.{number // 250}.{number % 250 + 1}"
            name = entry(number, ip)
            delta = Delta(base=table.version, version=table.version + 1, names={name.name: name})
            table = with_delta(table, delta)
            plane.apply(table, delta)
            await asyncio.sleep(max(0.0, began + table.version / rate - clock()))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
