"""A real Docker Engine for a bench: started by it, with state and a bridge of its own, and ended with it.

Two engines in one network namespace destroy each other's work: the second rewrites the first one's bridge and flushes its firewall
chains. So none is started where another runs; `unshare --net` gives the whole bench a namespace of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from bench.macro import packages
from bench.macro.sample import Absent

READY_SECONDS = 60.0
CALL_SECONDS = 90.0


class Dockerd:
    """`url` answers from the end of the constructor to `stop`. Raises Absent where none can be had."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._folder = folder
        self._client = shutil.which("docker") or packages.debian("docker", "docker.io")
        program = packages.debian("dockerd", "docker.io")
        if os.geteuid() != 0:
            raise Absent("only root may start a Docker Engine")
        if foreign := _foreign():
            raise Absent(f"another Docker Engine runs in this network namespace ({foreign}) and must not be disturbed")
        self._bridge = f"tgbench{os.getpid() % 1_000_000}"
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("address", "add", "10.214.0.1/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        with open(folder / "dockerd.log", "wb") as log:
            self._process = subprocess.Popen(
                _command(program, folder, self.socket, self._bridge), stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._wait_ready()
        except Absent:
            self.stop()
            raise

    def call(self, *arguments: str, check: bool = True) -> str:
        """Standard output of `docker ...`; raises Absent with its words if it fails. Blocks: call it from a thread."""
        done = subprocess.run(
            (self._client, "-H", self.url, *arguments),
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise Absent(f"docker {arguments[0]}: {done.stderr.strip()[-200:]}")
        return done.stdout.strip()

    async def docker(self, *arguments: str, check: bool = True) -> str:
        return await asyncio.to_thread(self.call, *arguments, check=check)

    def stop(self) -> None:
        """Containers first, so that nothing of them stays mounted."""
        if self._process.poll() is None:
            if left := self.call("ps", "-aq", check=False).split():
                self.call("rm", "-f", *left, check=False)
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(READY_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(READY_SECONDS)
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((each for each in mounts if each.startswith(f"{self._folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False, timeout=10)
        _ip("link", "delete", self._bridge)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.call("version", "--format", "{{.Server.Version}}", check=False):
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = (self._folder / "dockerd.log").read_text(errors="replace").strip().splitlines()
                raise Absent(f"dockerd did not become ready: {words[-1][-160:] if words else 'it said nothing'}")
            time.sleep(0.2)


def _command(program: str, folder: Path, socket: Path, bridge: str) -> list[str]:
    return [
        program,
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--host=unix://{socket}",
        f"--bridge={bridge}",
    ]


def _ip(*arguments: str) -> None:
    subprocess.run([packages.debian("ip", "iproute2"), *arguments], check=True, timeout=10)


def _foreign() -> str:
    """A dockerd in our network namespace; empty if there is none."""
    ours = Path("/proc/self/ns/net").readlink()
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or (entry / "comm").read_text().strip() != "dockerd":
                continue
            if (entry / "ns/net").readlink() == ours:
                return f"pid {entry.name}"
        except OSError:
            continue  # it ended while we looked
    return ""
