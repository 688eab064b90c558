"""A real Docker Engine for the tests: one that answers already, else one that the session starts and stops itself.

Two engines in one network namespace destroy each other's work: the second rewrites the first one's bridge and flushes its
firewall chains. So none is started beside another, and ours stands on a bridge of its own, never on docker0.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

DEADLINE_SECONDS = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the engine is marked `system`: `-m system` chooses them all, and nobody else."""
    for item in items:
        if "docker_engine_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def docker_engine_url() -> Iterator[str]:
    """URL of an engine that answers; skips, naming the one command that would help, where none can be had."""
    for url in (os.environ.get("TIDEGATE_TEST_DOCKER"), os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock"):
        if url and _answers(url):
            yield url
            return
    if os.geteuid() != 0:
        pytest.skip("no Docker Engine answers and only root may start one; mend: sudo systemctl start docker")
    for program, package in (("dockerd", "docker.io"), ("ip", "iproute2")):
        if shutil.which(program) is None:
            pytest.skip(f"no Docker Engine answers and {program} is missing; mend: apt-get install -y {package}")
    foreign = _foreign_engine()
    if foreign:
        pytest.skip(
            f"another dockerd ({foreign}) must not be disturbed; mend: export TIDEGATE_TEST_DOCKER=unix://SOCKET"
        )
    with tempfile.TemporaryDirectory(prefix="tidegate-dockerd-", ignore_cleanup_errors=True) as folder:
        yield from own_engine(Path(folder))


def own_engine(folder: Path) -> Iterator[str]:
    """URL of an engine of our own with its state in `folder`; it ends with the iteration."""
    sock = folder / "docker.sock"
    log = folder / "dockerd.log"
    # The daemon's own session: a Ctrl-C in the terminal must not kill it before its containers are removed.
    bridge = f"tgtest{os.getpid() % 1_000_000}"
    _ip("link", "add", bridge, "type", "bridge")
    try:
        _ip("address", "add", _free_subnet(), "dev", bridge)
        _ip("link", "set", bridge, "up")
        with log.open("wb") as output:
            command = _command(folder, sock, bridge)
            daemon = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_ready(daemon, f"unix://{sock}", log)
            yield f"unix://{sock}"
        finally:
            _end(daemon)
            _unmount(folder)
    finally:
        _ip("link", "delete", bridge)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=10)


def _foreign_engine() -> str:
    """Process id and command of a dockerd in our network namespace; empty if there is none."""
    ours = Path("/proc/self/ns/net").readlink()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() == "dockerd" and (entry / "ns/net").readlink() == ours:
                return f"pid {entry.name}: {(entry / 'cmdline').read_text().replace(chr(0), ' ').strip()}"
        except OSError:
            continue  # it ended while we looked
    return ""


def _command(folder: Path, sock: Path, bridge: str) -> list[str]:
    return [
        "dockerd",
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--host=unix://{sock}",
        f"--bridge={bridge}",
    ]


def _free_subnet() -> str:
    """Address for a bridge in 10.213.0.0/16 whose /24 this host has no route to."""
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    used = {int(line.split()[1], 16) for line in routes}
    for third in range(10, 250):
        if int.from_bytes(bytes((10, 213, third, 0)), "little") not in used:
            return f"10.213.{third}.1/24"
    pytest.fail("every /24 of 10.213.0.0/16 is routed already on this host")


def _wait_ready(daemon: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not _answers(url):
        if daemon.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"dockerd did not become ready:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)  # between two polls of /_ping: the daemon announces readiness in no other way


def _answers(url: str) -> bool:
    connection = _Connection(url)
    try:
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """HTTP over `unix://path` or `tcp://host:port`."""

    def __init__(self, url: str) -> None:
        self._scheme, _, rest = url.partition("://")
        self._rest = rest
        host, _, port = rest.rpartition(":")
        super().__init__(*(("docker",) if self._scheme == "unix" else (host, int(port))), timeout=2.0)

    def connect(self) -> None:
        if self._scheme != "unix":
            return super().connect()
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(2.0)
        self.sock.connect(self._rest)
        return None


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait(DEADLINE_SECONDS)


def _unmount(folder: Path) -> None:
    """The daemon leaves its network namespaces and layers mounted when it was killed."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False, timeout=10)
