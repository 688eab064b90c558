"""Real etcd members on loopback, each in a folder of its own: started, frozen, killed and started again by a test."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from tidegate.store.address import EtcdAddress

READY_SECONDS = 20.0
QUICK = ("--heartbeat-interval=50", "--election-timeout=300")  # a leader is elected in a third of the usual time
DEFAULTS = ()
LOOPBACK = "127.0.0.1"
_PREFIXES = itertools.count(1)


class Member:
    """One etcd. `peer` is its URL among the members, `peers` are names and such URLs of all, its own too; with `tls`, which speaks to it,
    it takes TLS only. `inside` is a command that runs another one elsewhere, where clients reach it at `host`."""

    def __init__(self, folder, name, client, peer, peers, options=(), tls=None, host=LOOPBACK, inside=()):
        self.folder, self.name, self.client = Path(folder), name, client
        self.url = f"{'https' if tls else 'http'}://{host}:{client}"
        self._options, self._tls, self._inside = options, tls, inside
        self._peer, self._peers = peer, peers
        self.process = None

    def start(self):
        """Start it, on the data it has. It answers once enough of the others do."""
        command = [
            *self._inside,
            "etcd",
            f"--name={self.name}",
            f"--data-dir={self.folder / self.name}",
            f"--listen-client-urls={self.url}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self._peer}",
            f"--initial-advertise-peer-urls={self._peer}",
            f"--initial-cluster={','.join(f'{name}={url}' for name, url in self._peers)}",
            "--logger=zap",
            "--log-level=error",
            *self._options,
        ]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def wait(self):
        """Until it knows of a leader."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"etcd did not become ready: {(self.folder / f'{self.name}.log').read_text()[-2000:]}"
                )
            time.sleep(0.02)  # between two questions: it announces readiness in no other way

    def healthy(self):
        """Whether it answers, and has a leader."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1, context=self._tls) as answer:
                return json.load(answer)["health"] == "true"
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def ask(self, path, **body):
        """One request of the JSON gateway, and its answer."""
        token = body.pop("token", None)
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Authorization": token} if token else {}
        )
        with urllib.request.urlopen(request, timeout=5, context=self._tls) as answer:
            return json.load(answer)

    @property
    def leads(self):
        """Whether it is the leader."""
        status = self.ask("/v3/maintenance/status")
        return status.get("leader") == status["header"]["member_id"]

    def freeze(self):
        """It neither runs nor closes anything."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """It goes on."""
        self.process.send_signal(signal.SIGCONT)

    def save(self):
        """A snapshot of what it has now."""
        self._etcdctl("snapshot", "save", str(self.folder / "snapshot"))

    def restore(self):
        """Start it again with what it had at the snapshot, as a cluster of one."""
        self.kill()
        shutil.rmtree(self.folder / self.name)
        where = (f"--data-dir={self.folder / self.name}", f"--name={self.name}")
        peers = (f"--initial-cluster={self.name}={self._peer}", f"--initial-advertise-peer-urls={self._peer}")
        self._etcdctl("snapshot", "restore", str(self.folder / "snapshot"), *where, *peers)
        self.start()
        self.wait()

    def _etcdctl(self, *arguments):
        command = ["etcdctl", f"--endpoints={self.url}", *arguments]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        subprocess.run(command, check=True, capture_output=True, timeout=READY_SECONDS, env=environment)

    def kill(self):
        """No goodbye."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(READY_SECONDS)


class Cluster:
    """Some members of one cluster."""

    def __init__(self, folder, count, options=(), tls=None):
        ports = _free_ports(2 * count)
        names = [f"m{number}" for number in range(count)]
        peers = [(name, f"http://127.0.0.1:{port}") for name, port in zip(names, ports[count:], strict=True)]
        self.members = [
            Member(folder, name, client, peer, peers, options, tls)
            for client, (name, peer) in zip(ports[:count], peers, strict=True)
        ]

    def start(self):
        """Start all, and wait for them."""
        for each in self.members:
            each.start()
        for each in self.members:
            each.wait()

    @property
    def leader(self):
        """The member that leads."""
        return next(each for each in self.members if each.leads)

    def others(self, member):
        """All but this one."""
        return [each for each in self.members if each is not member]

    def address(self, *members, prefix=None, **fields):
        """Where these members, or all, are; in a folder that nobody used before."""
        chosen = tuple(f"127.0.0.1:{each.client}" for each in members or self.members)
        return EtcdAddress(members=chosen, prefix=prefix or f"/t/{next(_PREFIXES)}", **fields)


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


@contextlib.contextmanager
def cluster(count, options=QUICK, tls=None, where=None):
    """So many members, started, and ended with the block. Their data is in memory, or in a folder of `where`."""
    for program, package in (("etcd", "etcd-server"), ("etcdctl", "etcd-client")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing; mend: apt-get install -y {package}")
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="tidegate-etcd-", dir=where or (shared if shared.is_dir() else None)
    ) as folder:
        made = Cluster(folder, count, options, tls)
        try:
            made.start()
            yield made
        finally:
            for each in made.members:
                each.kill()


@pytest.fixture(scope="session")
def etcd_member():
    """A cluster of one, for all tests that do not disturb it."""
    with cluster(1) as made:
        yield made


@pytest.fixture(scope="module")
def etcd_trio():
    """A cluster of three that a test may do anything to, if it leaves it whole."""
    with cluster(3) as made:
        yield made
