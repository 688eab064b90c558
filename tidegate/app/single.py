"""`--workers 0`: control and data plane in one process; the channel is a function call. For tests and small hosts.

There is no successor to hand over to, so SIGHUP only opens the access log anew.
"""

from __future__ import annotations

import asyncio
import signal

from tidegate.app.control import Control
from tidegate.app.folder import StateFolder
from tidegate.app.launch import Launch
from tidegate.app.sockets import bind_all, close_all
from tidegate.app.worker import DataPlane
from tidegate.config import Config
from tidegate.store.opening import open_store
from tidegate.store.port import Store
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_log = logger("single")


async def run_single(config: Config) -> int:
    """Run until SIGTERM or SIGINT. Raises ConfigError if the state folder or a socket cannot be had."""
    folder = StateFolder(config.state.folder)
    await asyncio.to_thread(folder.take)
    try:
        await _run(config)
    finally:
        folder.release()
    return 0


async def _run(config: Config) -> None:
    sockets = bind_all(config)
    store = None
    try:
        store = await open_store(config.state)
        launch = Launch(
            config=config,
            http=tuple(one.detach() for one in sockets.http[0]),
            https=tuple(one.detach() for one in sockets.https[0]),
            peers=tuple(one.detach() for one in sockets.peers[0]),
            dns_udp=tuple(one.detach() for one in sockets.dns_udp[0]),
            dns_tcp=tuple(one.detach() for one in sockets.dns_tcp[0]),
            admin=tuple(one.detach() for one in sockets.admin),
            channel=sockets.channel[0].detach(),
        )
        await _serve(launch, store)
    finally:
        close_all(sockets)
        if store is not None:
            await store.close()


async def _serve(launch: Launch, store: Store) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    control = Control(launch, store)
    plane = DataPlane(launch.config, 0, lambda message: control.take(0, message))
    control.cell.follow(plane.apply)
    for number in (signal.SIGHUP, signal.SIGUSR2):
        loop.add_signal_handler(number, _no_reload, plane)
    async with Tasks("single") as tasks:
        tasks.spawn("control", control.run(stop))
        tasks.spawn("dataplane", plane.run(launch, stop))


def _no_reload(plane: DataPlane) -> None:
    _log.warning("one process has nobody to hand over to: what has changed counts after a restart")
    plane.reopen_log()
