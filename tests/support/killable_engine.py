"""A dockerd that a test may kill: in a network namespace of its own, so that no other engine on this host is disturbed.

The namespace is joined to ours by a pair of virtual interfaces, and its containers' subnet is routed through it, so that
they are reached by address as those of any engine. Containers outlive the daemon (`--live-restore`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.support.docker_engine import DEADLINE_SECONDS, _answers, _unmount


class KillableEngine:
    """`kill()` is SIGKILL; `start()` starts it again on the same data."""

    def __init__(self, folder, namespace, octet):
        self.folder, self._namespace, self._octet = folder, namespace, octet
        self.url = f"unix://{folder / 'docker.sock'}"
        self._daemon = None

    def start(self):
        """Start the daemon; waits until it answers."""
        self._end_containerd()  # one that a killed daemon left may not answer its successor; containers do not need it
        command = [
            *("nsenter", f"--net=/run/netns/{self._namespace}", "dockerd", "--iptables=false", "--live-restore"),
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'exec'}",
            f"--pidfile={self.folder / 'pid'}",
            f"--host={self.url}",
            f"--bip=10.214.{self._octet}.1/24",
        ]
        with (self.folder / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not _answers(self.url):
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(
                    f"dockerd did not become ready: {(self.folder / 'dockerd.log').read_text()[-2000:]}"
                )
            time.sleep(0.05)  # between two polls of /_ping: the daemon announces readiness in no other way

    def kill(self):
        """SIGKILL: no goodbye to anybody."""
        self._daemon.kill()
        self._daemon.wait(DEADLINE_SECONDS)

    def end(self):
        """Stop the daemon, and what a killed daemon may have left."""
        if self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.wait(DEADLINE_SECONDS)
        self._end_containerd()
        for shim in self._shims():
            with contextlib.suppress(OSError):  # it ends by itself when its container does
                children = (Path("/proc") / str(shim) / "task" / str(shim) / "children").read_text().split()
                for pid in (*map(int, children), shim):
                    os.kill(pid, signal.SIGKILL)

    def _end_containerd(self):
        path = self.folder / "exec/containerd/containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.read_text()), signal.SIGKILL)
            path.unlink()

    def _shims(self):
        """Process ids of the shims that were started for this engine: its folder's name is in their command."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if b"containerd-shim" in command and str(self.folder).encode() in command:
                    yield int(entry.name)


@pytest.fixture
def killable_engine(docker_engine_url):
    """An engine of this test's own, started; only where tests run on a real engine at all."""
    if os.geteuid() != 0:
        pytest.skip("only root may start a dockerd of its own; mend: run as root")
    for program, package in (("dockerd", "docker.io"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing; mend: apt-get install -y {package}")
    octet = 1 + os.getpid() % 250
    namespace = f"tgkill{octet}"
    with tempfile.TemporaryDirectory(prefix="tidegate-dockerd-", ignore_cleanup_errors=True) as folder:
        with _joined(namespace, octet):
            engine = KillableEngine(Path(folder), namespace, octet)
            try:
                engine.start()
                yield engine
            finally:
                engine.end()
        _unmount(Path(folder))


@contextlib.contextmanager
def _joined(namespace, octet):
    """The namespace with a way to it: 10.215.N.1 here, 10.215.N.2 there, and 10.214.N.0/24 behind it."""
    ours, theirs = f"tgk{octet}a", f"tgk{octet}b"
    _ip("netns", "add", namespace)
    try:
        _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", namespace)
        _ip("address", "add", f"10.215.{octet}.1/30", "dev", ours)
        _ip("link", "set", ours, "up")
        _ip("-n", namespace, "address", "add", f"10.215.{octet}.2/30", "dev", theirs)
        _ip("-n", namespace, "link", "set", theirs, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")
        _ip("-n", namespace, "route", "add", "default", "via", f"10.215.{octet}.1")
        _ip("route", "add", f"10.214.{octet}.0/24", "via", f"10.215.{octet}.2")
        yield
    finally:
        _ip("netns", "delete", namespace)
        subprocess.run(["ip", "link", "delete", ours], check=False, capture_output=True, timeout=10)


def _ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, timeout=10)
