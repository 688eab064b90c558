"""Hosts of one cluster, as network namespaces: each with an address of its own, an engine, and a Tidegate; and one etcd for all.

Every two hosts are joined by a pair of interfaces, and each with us. Their engines give containers the same addresses, as
engines do: what is reached across hosts is not reached by those.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import pytest

from tests.support.cli import ROOT, environment
from tests.support.docker_engine import _ip, _unmount
from tests.support.etcd import Member, _free_ports
from tests.support.killable_engine import KillableEngine

OCTET = 1 + os.getpid() % 250
NET = f"10.217.{OCTET}"
US = f"{NET}.1"


class Host:
    """One namespace. `engine` is its own; `tidegate` the program there, once it was started."""

    def __init__(self, name, number, folder):
        self.name, self.folder = name, folder
        self.namespace = f"tgh{OCTET}{name}"
        self.address = f"{NET}.{10 + number}"
        self.http, self.dns = (self.address, 8080), (self.address, 5353)
        self.engine = KillableEngine(folder / "engine", self.namespace, OCTET)
        self.tidegate = None

    def start(self, store, *arguments):
        """Start its Tidegate; the engine runs already."""
        command = [
            *("nsenter", f"--net=/run/netns/{self.namespace}", sys.executable, "-m", "tidegate", "serve"),
            *("--http", "0.0.0.0:8080", "--dns", "0.0.0.0:5353", "--admin", "127.0.0.1:9900"),
            *("--state", str(self.folder / "state"), "--access-log", "off", "--upstream-dns", "127.0.0.1:1"),
            *("--docker", self.engine.url, "--store", store, "--node", self.name, "--advertise", self.address),
            *("--zone", f"zone-{self.name}", *arguments),
        ]
        with (self.folder / "serve.log").open("ab") as log:
            self.tidegate = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment(), cwd=ROOT, start_new_session=True
            )

    def log(self):
        """What its Tidegate said so far."""
        return (self.folder / "serve.log").read_text(errors="replace")

    async def cli(self, *arguments):
        """The data of a verb, run there."""
        process = await asyncio.create_subprocess_exec(
            *("nsenter", f"--net=/run/netns/{self.namespace}", sys.executable, "-m", "tidegate", *arguments, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(TIDEGATE_ADMIN="127.0.0.1:9900"),
            cwd=ROOT,
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        return json.loads(out)["data"] if process.returncode == 0 else err.decode()

    def die(self):
        """As if the power went: Tidegate, engine and containers, without a goodbye."""
        for pid in self.tree():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.engine.kill()
        self.engine.end()

    def tree(self):
        """Tidegate's processes, the supervisor first, so that it starts nobody again."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
        found = [self.tidegate.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def end(self):
        """Stop what still runs."""
        if self.tidegate is not None and self.tidegate.poll() is None:
            self.tidegate.send_signal(signal.SIGTERM)
            try:
                self.tidegate.wait(20)
            except subprocess.TimeoutExpired:
                self.tidegate.kill()
                self.tidegate.wait(10)
        self.engine.end()


@contextlib.contextmanager
def hosts(*names):
    """The hosts with their engines started, and the URL of a store that all of them reach."""
    if os.geteuid() != 0:
        pytest.skip("only root may make hosts of namespaces; mend: run as root")
    for program, package in (("dockerd", "docker.io"), ("ip", "iproute2"), ("etcd", "etcd-server")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing; mend: apt-get install -y {package}")
    with tempfile.TemporaryDirectory(prefix="tidegate-hosts-", ignore_cleanup_errors=True) as folder:
        made = [Host(name, number, Path(folder) / name) for number, name in enumerate(names)]
        with contextlib.ExitStack() as stack:
            stack.enter_context(_network(made))
            store = stack.enter_context(_etcd(Path(folder)))
            for host in made:
                stack.callback(_unmount, host.engine.folder)
                (host.folder / "engine").mkdir(parents=True)
                stack.callback(host.end)
                host.engine.start()
            yield made, store


@contextlib.contextmanager
def _etcd(folder):
    client, peer = _free_ports(2)
    options = (f"--listen-client-urls=http://{US}:{client},http://127.0.0.1:{client}",)
    member = Member(folder, "etcd", client, peer, [("etcd", f"http://127.0.0.1:{peer}")], options)
    try:
        member.start()
        member.wait()
        yield f"etcd://{US}:{client}"
    finally:
        member.kill()


@contextlib.contextmanager
def _network(made):
    """Each host's address is its own, whichever way one comes; so is ours."""
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["ip", "address", "delete", f"{US}/32", "dev", "lo"], check=False)
        _ip("address", "add", f"{US}/32", "dev", "lo")
        for host in made:
            _ip("netns", "add", host.namespace)
            stack.callback(_ip, "netns", "delete", host.namespace)
            _ip("-n", host.namespace, "link", "set", "lo", "up")
            _ip("-n", host.namespace, "address", "add", f"{host.address}/32", "dev", "lo")
            _join(None, US, host, f"tghu{host.name}")
        for one, other in combinations(made, 2):
            _join(one, one.address, other, f"tgh{one.name}{other.name}")
        yield


def _join(one, address, other, link):
    """A pair of interfaces between two hosts (None is us), and each one's address routed over it."""
    here = ("-n", one.namespace) if one is not None else ()
    there = ("-n", other.namespace)
    place = ("netns", one.namespace) if one is not None else ()
    _ip("link", "add", f"{link}0", *place, "type", "veth", "peer", "name", f"{link}1", "netns", other.namespace)
    for side, name, far, near in (
        (here, f"{link}0", other.address, address),
        (there, f"{link}1", address, other.address),
    ):
        _ip(*side, "link", "set", name, "up")
        _ip(*side, "route", "add", f"{far}/32", "dev", name, "src", near)
