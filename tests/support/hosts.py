"""Hosts of one cluster, as network namespaces: each with an address of its own, an engine, and a Tidegate; and etcd, one for all or a
member on each.

Every two hosts are joined by a pair of interfaces, and each with us. Their engines give containers the same addresses, as
engines do: what is reached across hosts is not reached by those. A member of etcd has addresses of its own on its host, so that it alone can be
cut off.
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
from tests.support.etcd import LOOPBACK, Member, _free_ports
from tests.support.killable_engine import KillableEngine
from tests.support.serve import asked

OCTET = 1 + os.getpid() % 250
NET = f"10.217.{OCTET}"
US = f"{NET}.1"
CLIENT, PEER = 2379, 2380


class Host:
    """One namespace. `engine` is its own; `tidegate` the program there, once it was started; `member` its etcd, where each has one."""

    def __init__(self, name, number, folder, prefix):
        self.name, self.folder = name, folder
        self.namespace = f"{prefix}{OCTET}{name}"
        self.inside = ("nsenter", f"--net=/run/netns/{self.namespace}")
        self.address = f"{NET}.{10 + number}"
        # where its etcd is, for clients and for the other members
        self.store, self.peer = f"{NET}.{50 + number}", f"{NET}.{90 + number}"
        self.http, self.dns = (self.address, 80), (self.address, 53)
        self.engine = KillableEngine(folder / "engine", self.namespace, OCTET)
        self.tidegate = None
        self.member = None
        self._ways: dict[str, tuple[str, str]] = {}  # to another host, by its name: our interface, and our address

    def start(self, store, *arguments):
        """Start its Tidegate; the engine runs already."""
        command = [
            *(*self.inside, sys.executable, "-m", "tidegate", "serve"),
            *("--http", "0.0.0.0:80", "--dns", f"{self.address}:53", "--admin", "127.0.0.1:9900"),
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
        """The data of a verb, run there; where it fails what it says."""
        code, out, err = await self.verb(*arguments, "--json")
        return json.loads(out)["data"] if code == 0 else err

    async def verb(self, *arguments):
        """Exit code, standard output and standard error of a verb, run there."""
        process = await asyncio.create_subprocess_exec(
            *(*self.inside, sys.executable, "-m", "tidegate", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(TIDEGATE_ADMIN="127.0.0.1:9900"),
            cwd=ROOT,
        )
        async with asyncio.timeout(30):
            out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def api(self, path):
        """The decoded answer of its admin API; raises OSError, EOFError or TimeoutError where none comes."""
        async with asyncio.timeout(10.0):
            status, body = await asked(
                await asyncio.open_unix_connection(self.folder / "state/admin.sock"), path, "localhost"
            )
        assert status == 200, f"{path}: {status} {body!r}"
        return json.loads(body)

    def die(self):
        """As if the power went: Tidegate, engine and containers, without a goodbye."""
        for pid in self.tree():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.tidegate.wait(10)
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

    def unplug(self):
        """From now on no packet comes to it or from it."""
        for rule in self._dropping():
            subprocess.run([*self.inside, "iptables", "-w", "-t", rule[0], "-I", *rule[1:]], check=True, timeout=10)

    def plug(self):
        """Packets come and go again."""
        for rule in self._dropping():
            subprocess.run([*self.inside, "iptables", "-w", "-t", rule[0], "-D", *rule[1:]], check=True, timeout=10)

    def _dropping(self):
        links = ["tgh+", "-j", "DROP"]
        return (
            ("raw", "PREROUTING", "-i", *links),
            ("raw", "OUTPUT", "-o", *links),
            ("mangle", "POSTROUTING", "-o", *links),
        )

    @contextlib.contextmanager
    def cut_off(self, others, *, clients):
        """Nothing passes between its etcd and those of `others`; with `clients` it has no way to theirs either, nor they to its."""
        try:
            for one, other in [*((self, each) for each in others), *((each, self) for each in others)]:
                for address in (other.peer, *((other.store,) if clients else ())):
                    _ip("-n", one.namespace, "route", "replace", "blackhole", f"{address}/32")
            yield
        finally:
            for each in others:
                self.route(each)
                each.route(self)

    def joined(self, name, interface, address):
        """It reaches the host called `name` over this interface, from this address."""
        self._ways[name] = (interface, address)

    def route(self, other):
        """Have all addresses of another host reached."""
        interface, near = self._ways[other.name]
        for address in (other.address, other.store, other.peer):
            _ip("-n", self.namespace, "route", "replace", f"{address}/32", "dev", interface, "src", near)


def lacking():
    """Why hosts cannot be made here, and the mend; empty where they can."""
    if os.geteuid() != 0:
        return "only root may make hosts of namespaces; mend: run as root"
    needs = ("dockerd docker.io", "ip iproute2", "etcd etcd-server", "busybox busybox-static")
    missing = (each.split() for each in needs if shutil.which(each.split()[0]) is None)
    return next((f"{program} is missing; mend: apt-get install -y {package}" for program, package in missing), "")


@contextlib.contextmanager
def hosts(*names, prefix="tgh", members=False):
    """The hosts with their engines started, and the URL of a store that all of them reach: one etcd of ours, or with `members` one
    on each host. Namespaces and interfaces begin with `prefix`."""
    if reason := lacking():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="tidegate-hosts-", ignore_cleanup_errors=True) as folder:
        made = [Host(name, number, Path(folder) / name, prefix) for number, name in enumerate(names)]
        with contextlib.ExitStack() as stack:
            stack.enter_context(_network(made, prefix))
            store = stack.enter_context(_members(made) if members else _etcd(Path(folder)))
            for host in made:
                stack.callback(_unmount, host.engine.folder)
                (host.folder / "engine").mkdir(parents=True)
                stack.callback(host.end)
                host.engine.start()
            yield made, store


@contextlib.contextmanager
def _etcd(folder):
    client, peer = _free_ports(2)
    options = (f"--listen-client-urls=http://{US}:{client},http://{LOOPBACK}:{client}",)
    own = f"http://{LOOPBACK}:{peer}"
    member = Member(folder, "etcd", client, own, [("etcd", own)], options)
    try:
        member.start()
        member.wait()
        yield f"etcd://{US}:{client}"
    finally:
        member.kill()


@contextlib.contextmanager
def _members(made):
    """A cluster of etcd with a member on each host."""
    peers = [(each.name, f"http://{each.peer}:{PEER}") for each in made]
    with contextlib.ExitStack() as stack:
        for host, (name, own) in zip(made, peers, strict=True):
            host.folder.mkdir()
            host.member = Member(host.folder, name, CLIENT, own, peers, host=host.store, inside=host.inside)
            stack.callback(host.member.kill)
            host.member.start()
        for host in made:
            host.member.wait()
        yield f"etcd://{','.join(f'{each.store}:{CLIENT}' for each in made)}"


@contextlib.contextmanager
def _network(made, prefix):
    """Each host's address is its own, whichever way one comes; so is ours."""
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["ip", "address", "delete", f"{US}/32", "dev", "lo"], check=False)
        _ip("address", "add", f"{US}/32", "dev", "lo")
        for host in made:
            _ip("netns", "add", host.namespace)
            stack.callback(_ip, "netns", "delete", host.namespace)
            _ip("-n", host.namespace, "link", "set", "lo", "up")
            for address in (host.address, host.store, host.peer):
                _ip("-n", host.namespace, "address", "add", f"{address}/32", "dev", "lo")
            _join_us(host, f"{prefix}{OCTET}{host.name}")
        for one, other in combinations(made, 2):
            _join(one, other, f"{prefix}{OCTET}{one.name}{other.name}")
        yield


def _join_us(host, link):
    """A pair of interfaces between us and a host."""
    _ip("link", "add", f"{link}0", "type", "veth", "peer", "name", f"{link}1", "netns", host.namespace)
    _ip("link", "set", f"{link}0", "up")
    _ip("-n", host.namespace, "link", "set", f"{link}1", "up")
    for address in (host.address, host.store, host.peer):
        _ip("route", "add", f"{address}/32", "dev", f"{link}0", "src", US)
    _ip("-n", host.namespace, "route", "add", f"{US}/32", "dev", f"{link}1", "src", host.address)


def _join(one, other, link):
    """A pair of interfaces between two hosts, and the addresses of each routed over it."""
    there = ("peer", "name", f"{link}1", "netns", other.namespace)
    _ip("link", "add", f"{link}0", "netns", one.namespace, "type", "veth", *there)
    for number, (near, far) in enumerate(((one, other), (other, one))):
        _ip("-n", near.namespace, "link", "set", f"{link}{number}", "up")
        near.joined(far.name, f"{link}{number}", near.address)
        near.route(far)
