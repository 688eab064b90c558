"""How each proxy is told to become its next generation, and how one sees that it has.

An upgrade is another program under the same pid, as service managers want it. nginx's is a second master with another pid, and only
where the first one is a daemon: it takes no part.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from bench.macro.program import Launch
from bench.macro.proxies import PROXIES, Haproxy, Proxy, Running, Site, Tidegate
from bench.macro.sample import Absent
from tidegate import __file__ as package

DONE_SECONDS = 60.0
DRAIN_SECONDS = 30  # what was begun may go on for, in all of them
POLL_SECONDS = 0.02
SERVES = b"the new generation serves"


class Turn(ABC):
    """One way of one proxy. `begin` may change what is on disk and sends the signal; `done` says whether it has happened."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy

    @abstractmethod
    def begin(self, peer: Running) -> None: ...

    @abstractmethod
    def done(self) -> bool: ...

    def prepared(self, _folder: Path) -> Proxy:
        """The proxy as it is to be started, in a folder of its own."""
        return self.proxy

    def wait(self) -> None:
        """Returns once it is done; raises Absent after a minute."""
        deadline = time.monotonic() + DONE_SECONDS
        while not self.done():
            if time.monotonic() > deadline:
                raise Absent(f"no new generation after {DONE_SECONDS:g} s")
            time.sleep(POLL_SECONDS)


class Child(Turn):
    """nginx and HAProxy: the same master has a child that it did not have before."""

    def __init__(self, proxy: Proxy, number: signal.Signals) -> None:
        super().__init__(proxy)
        self._number = number

    def begin(self, peer: Running) -> None:
        self._peer, self._before = peer, set(peer.program.pids())
        os.kill(peer.program.pid, self._number)

    def done(self) -> bool:
        return bool(set(self._peer.program.pids()) - self._before)


class Said(Turn):
    """Tidegate: its log says so."""

    def begin(self, peer: Running) -> None:
        self._log = peer.program.errors
        self._before = self._log.read_bytes().count(SERVES)
        os.kill(peer.program.pid, signal.SIGHUP)

    def done(self) -> bool:
        return self._log.read_bytes().count(SERVES) > self._before


class Package(Said):
    """Tidegate: another version of the package in place of the one it was started from, then SIGHUP."""

    def prepared(self, folder: Path) -> Proxy:
        self._folder, self._number = folder, -1
        self._put()
        return Installed(folder / "current")

    def begin(self, peer: Running) -> None:
        self._put()
        super().begin(peer)

    def done(self) -> bool:
        return super().done() and f"version={self._version}".encode() in self._log.read_bytes()

    def _put(self) -> None:
        """The next version of the package below `current`, in one step."""
        self._number += 1
        place, self._version = self._folder / f"version-{self._number}", f"0.0.{self._number}"
        shutil.copytree(Path(package).parent, place / "tidegate", copy_function=_linked)
        init = place / "tidegate" / "__init__.py"
        text = init.read_text()
        init.unlink()
        init.write_text(f'{text}\n__version__ = "{self._version}"\n')
        (self._folder / "next").symlink_to(place.name)
        os.replace(self._folder / "next", self._folder / "current")


class Installed(Tidegate):
    """Tidegate out of a folder instead of the environment of this Python."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self) -> str:
        return sys.executable

    def launch(self, site: Site) -> Launch:
        program, *rest = super().launch(site).argv
        return Launch(argv=(program, "-m", "tidegate", *rest), env={"PYTHONPATH": str(self._folder)})


class MasteredHaproxy(Haproxy):
    """With a master that takes signals, as its service unit starts it."""

    def launch(self, site: Site) -> Launch:
        launch = super().launch(site)
        return Launch(argv=(launch.argv[0], "-W", *launch.argv[1:]), stdout=launch.stdout)


def _linked(source: str, target: str) -> None:
    os.link(source, target) if os.stat(source).st_dev == os.stat(Path(target).parent).st_dev else shutil.copy2(
        source, target
    )


RELOADS: dict[str, Turn] = {
    "nginx": Child(PROXIES["nginx"], signal.SIGHUP),
    "haproxy": Child(MasteredHaproxy(), signal.SIGUSR2),
    "tidegate": Said(PROXIES["tidegate"]),
}
UPGRADES: dict[str, Turn] = {
    "haproxy": Child(MasteredHaproxy(), signal.SIGUSR2),
    "tidegate": Package(PROXIES["tidegate"]),
}
