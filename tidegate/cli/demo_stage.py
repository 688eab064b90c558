"""What the demo stands on: free ports, a folder of its own, the example's file, its image on Docker, and the child that
is `tidegate serve`. Everything made here is removed by `Stage.close`.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import tidegate
from tidegate.cli.diagnosis import bind_error
from tidegate.engine.docker import DockerEngine
from tidegate.errors import EngineError, Problem, TidegateError
from tidegate.example import image
from tidegate.model import Address
from tidegate.value import Value

T = TypeVar("T")

OWNER_LABEL = "demo.owner"
NETWORK = "tidegate-demo_default"  # as a Compose file's default network is called
EXAMPLE = Path(image.__file__).with_name("compose.yaml")
STOP_SECONDS = 40.0
USUAL = {"http": 8080, "dns": 5353, "admin": 9900}


class Ports(Value, frozen=True):
    """Where the demo's Tidegate listens; `moved` says which usual port was taken."""

    http: int
    dns: int
    admin: int
    moved: tuple[str, ...] = ()


def choose_ports(http: int = 0) -> Ports:
    """The usual ports where they are free, else any free ones. `http`, where given, is taken as it is."""
    chosen: dict[str, int] = {}
    moved: list[str] = []
    for name, usual in USUAL.items():
        if name == "http" and http:
            chosen[name] = http
        elif _is_free(usual, dns=name == "dns"):
            chosen[name] = usual
        else:
            chosen[name] = _any_port(dns=name == "dns")
            moved.append(f"port {usual} is taken: {name} listens on {chosen[name]}")
    return Ports(http=chosen["http"], dns=chosen["dns"], admin=chosen["admin"], moved=tuple(moved))


def docker_answers(url: str) -> bool:
    """Is there an engine at `url` that we may use?"""
    try:
        asyncio.run(_with_engine(url, lambda engine: engine.ping()))
    except TidegateError:
        return False
    return True


class Stage:
    """One run of the demo. `url` is the Docker Engine's, or empty for the embedded engine."""

    def __init__(self, ports: Ports, url: str) -> None:
        self.ports = ports
        self.url = url
        self.folder = Path(tempfile.mkdtemp(prefix="tidegate-demo-"))
        self.log = self.folder / "serve.log"
        self._child: subprocess.Popen[bytes] | None = None  # set by start
        self._imported = False  # was the image made by this run?

    def start(self) -> None:
        """Make the image where it is needed and start the child. Raises TidegateError."""
        if self.url:
            self._imported = asyncio.run(_with_engine(self.url, _prepare))
        self._write_service_command()
        with self.log.open("wb") as log:
            # a session of its own: Ctrl-C reaches the demo only, which ends the child in good order
            self._child = subprocess.Popen(  # noqa: S603  our own interpreter, arguments made here
                self._arguments(), stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )

    def check(self) -> None:
        """Raises TidegateError when the child has ended by itself."""
        if self._child is not None and self._child.poll() is not None:
            raise self.failed(f"tidegate serve ended with code {self._child.returncode}")

    def failed(self, text: str) -> TidegateError:
        """A fault that shows the end of the child's log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        cause = "\n        ".join(["last lines of its log:", *lines[-20:]]) if lines else ""
        return TidegateError(Problem(code="T1713", text=text, cause=cause, kept="everything started was removed"))

    def close(self) -> tuple[str, ...]:
        """Stop and remove everything; what could not be removed, in words. Safe to call at any point, twice too."""
        left: list[str] = []
        self._stop_child(left)
        if self.url:
            try:
                asyncio.run(_with_engine(self.url, lambda engine: _clear(engine, remove_image=self._imported)))
            except TidegateError as error:
                left.append(f"containers on {self.url}: {error.problems[0].text}")
        shutil.rmtree(self.folder, ignore_errors=True)
        return tuple(left)

    def _stop_child(self, left: list[str]) -> None:
        child, self._child = self._child, None
        if child is None or child.poll() is not None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            left.append(f"tidegate serve did not stop within {STOP_SECONDS:g} s and was killed")
            os.killpg(child.pid, signal.SIGKILL)  # the session is the child's own: its workers and services go with it
            child.wait(STOP_SECONDS)

    def _arguments(self) -> list[str]:
        engine = ["--docker", self.url] if self.url else ["--no-docker"]
        return [
            *(sys.executable, "-m", "tidegate", "serve"),
            *("--http", f"0.0.0.0:{self.ports.http}", "--dns", f"0.0.0.0:{self.ports.dns}"),
            *("--admin", f"127.0.0.1:{self.ports.admin}", "--state", str(self.folder / "state")),
            *("--access-log", "off", "--log-level", "warning", "--stack", str(EXAMPLE), *engine),
        ]

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
        return clean | {
            "PATH": f"{self.folder}:{os.environ.get('PATH', os.defpath)}",
            "TIDEGATE_CONFIG": os.devnull,  # the demo is the same whatever settings file lies here
            "DEMO_HTTP_PORT": str(self.ports.http),
            "DEMO_DNS_PORT": str(self.ports.dns),
            "DEMO_OWNER": str(os.getpid()),
            "TIDEGATE_PARENT": str(os.getpid()),  # it drains when we are killed
        }

    def _write_service_command(self) -> None:
        """The command the example's file names, as the embedded engine finds it: first on the path."""
        script = self.folder / image.COMMAND
        python, tree = shlex.quote(sys.executable), shlex.quote(str(Path(tidegate.__file__).parents[1]))
        # the tree is named so that a checkout that was never installed works as well
        script.write_text(f"#!/bin/sh\nPYTHONPATH={tree} exec {python} -m tidegate.example.service\n")
        script.chmod(0o755)


def _is_free(port: int, *, dns: bool) -> bool:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM) if dns else (socket.SOCK_STREAM,)
    return all(bind_error(Address(host="0.0.0.0", port=port), kind) is None for kind in kinds)  # noqa: S104


def _any_port(*, dns: bool) -> int:
    for _ in range(20):
        with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104  the demo listens on all addresses
            port = int(server.getsockname()[1])
        if _is_free(port, dns=dns):
            return port
    raise TidegateError(Problem(code="T1713", text="no free port was found in 20 tries"))


async def _with_engine(url: str, work: Callable[[DockerEngine], Awaitable[T]]) -> T:
    engine = DockerEngine(url)
    try:
        return await work(engine)
    finally:
        await engine.close()


async def _prepare(engine: DockerEngine) -> bool:
    """Clear what a killed demo left behind and see that the image is there; True if it was made now."""
    await _clear(engine, remove_image=False)
    if await engine.has_image(image.NAME):
        return False
    await engine.import_image(image.NAME, image.filesystem())
    return True


async def _clear(engine: DockerEngine, *, remove_image: bool) -> None:
    """Remove the containers of this demo, and of demos whose process is gone. Raises EngineError if one is running."""
    for container in await engine.list():
        owner = container.labels.get(OWNER_LABEL, "")
        if not owner:
            continue
        if owner != str(os.getpid()) and _is_demo(owner):
            text, mend = f"another demo is running, as process {owner}", "stop it first, or use --engine process"
            raise EngineError(Problem(code="T1713", text=text, mend=mend))
        await engine.remove(container.id, force=True)
    if any(network.name == NETWORK for network in await engine.networks()):
        await engine.remove_network(NETWORK)
    if remove_image:
        await engine.remove_image(image.NAME)


def _is_demo(process: str) -> bool:
    """Is this process alive, and a Tidegate? Process numbers are used again."""
    try:
        return b"tidegate" in Path(f"/proc/{int(process)}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
