"""The scripted engine as a program of its own, and its control calls. They block: call them from a thread."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

from msgspec import json

from bench.fake_dockerd import Container
from bench.macro.program import LOAD_CORE, Launch, Program
from bench.macro.sample import Absent


class FakeEngine:
    """Starts it on `folder`/engine.sock; raises Absent if it does not come up within ten seconds."""

    def __init__(self, folder: Path) -> None:
        self._path = str(folder / "engine.sock")
        self.last_host = ""
        argv = (sys.executable, "-m", "bench.fake_dockerd", "--socket", self._path)
        self._program = Program("engine", Launch(argv=argv, env={"PYTHONPATH": os.getcwd()}), folder, LOAD_CORE)
        deadline = time.monotonic() + 10
        while not _listens(self._path):
            if time.monotonic() > deadline or not self._program.alive():
                self._program.stop()
                raise Absent("the scripted engine did not start")
            time.sleep(0.02)

    def fill(self, containers: list[Container]) -> None:
        """Containers that run already when the proxy first looks."""
        self._call("POST", "/_bench/containers?quiet=1", containers)
        self.last_host = containers[-1].host

    def add(self, containers: list[Container]) -> float:
        """Starts them; the moment of the first event."""
        return float(self._call("POST", "/_bench/containers", containers)["at"])

    def kill(self, key: str) -> float:
        return float(self._call("POST", f"/_bench/kill/{key}")["at"])

    def die(self, key: str) -> float:
        return float(self._call("POST", f"/_bench/die/{key}")["at"])

    def reset(self) -> None:
        self._call("POST", "/_bench/reset")

    def counters(self) -> dict[str, int]:
        """Calls of the proxy by kind (`list`, `inspect`, `events`) since the last reset."""
        return dict(self._call("GET", "/_bench/counters"))

    def stop(self) -> None:
        self._program.stop()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = _UnixConnection(self._path)
        try:
            connection.request(method, path, body=json.encode(body) if body is not None else None)
            return json.decode(connection.getresponse().read())
        finally:
            connection.close()


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self._path)
