"""Real servers to stand behind the router, each answering the contract of `tests/support/apps/contract.py` or a part of it."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.support.apps import contract
from tests.support.cli import ROOT
from tests.support.serve import free_port

APPS = ROOT / "tests" / "support" / "apps"
SIZES = (0, 1, 65535, 1 << 20)
DEADLINE = 30.0
EVERYTHING = frozenset({"stream", "echo", "chunked", "fields", "cookies", "target", "events", "refuse", "last"})


class Server(NamedTuple):
    """`command(port, folder)` runs it in the foreground; `places` are paths that it has elsewhere."""

    name: str
    command: Callable[[int, Path], list[str]]
    can: frozenset[str] = EVERYTHING
    websocket: bool = False
    places: tuple[tuple[str, str], ...] = ()

    @property
    def host(self):
        """The route's host."""
        return f"{self.name}.test"

    def path(self, path):
        """Where this server has what the contract has at `path`."""
        for ours, theirs in self.places:
            if path.startswith(ours):
                return theirs + path.removeprefix(ours)
        return path


def _gunicorn(*arguments):
    def command(port, folder):
        common = ["-b", f"127.0.0.1:{port}", "--keep-alive", "60", "--log-level", "warning", "--no-control-socket"]
        return [sys.executable, "-m", "gunicorn", *common, *arguments, "tests.support.apps.wsgi:application"]

    return command


def _uvicorn(http, websocket):
    def command(port, folder):
        how = ["--http", http, "--ws", websocket, "--ws-max-size", str(1 << 24), "--timeout-keep-alive", "60"]
        where = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", *how, *where, "tests.support.apps.asgi:application"]

    return command


def _hypercorn(port, folder):
    how = ["--bind", f"127.0.0.1:{port}", "--keep-alive", "60", "--log-level", "warning"]
    return [sys.executable, "-m", "hypercorn", *how, "tests.support.apps.asgi:application"]


def _aiohttp(port, folder):
    return [sys.executable, "-m", "tests.support.apps.aio", str(port)]


def _node(port, folder):
    return ["node", str(APPS / "node.js"), str(port)]


_NGINX = """
user {user} {group}; daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_timeout 60; client_max_body_size 0; default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; root {site};
    location /put/ {{ dav_methods PUT; create_full_put_path on; }}
    location /stream/ {{ alias {site}/bytes/; ssi on; ssi_types *; }}
    location /packed/ {{ alias {site}/bytes/; gzip on; gzip_types *; }}
    location /status/ {{ return 204; }}
    location /refuse {{ client_max_body_size 1k; dav_methods PUT; }}
  }}
}}
"""


def _nginx(port, folder):
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=port, site=_site(folder), **_ourselves()))
    return ["nginx", "-c", str(settings), "-e", str(folder / "nginx.log")]


def _ourselves():
    """As root, nginx would serve as somebody who may not look into the folders of a test."""
    return {"user": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def _busybox(port, folder):
    site = _site(folder)
    return ["busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", str(site)]


def _site(folder):
    """Files for servers of files, and CGI programs, whose answers end with the connection."""
    site = folder / "site"
    (site / "bytes").mkdir(parents=True)
    for size in SIZES:
        (site / "bytes" / str(size)).write_bytes(contract.content(size))
    programs = {"echo": 'head -c "${CONTENT_LENGTH:-0}"', "stream": f'cat "{site}/bytes/$QUERY_STRING"'}
    (site / "cgi-bin").mkdir()
    for name, line in programs.items():
        program = site / "cgi-bin" / name
        program.write_text(f"#!/bin/sh\nprintf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\n{line}\n")
        program.chmod(0o755)
    return site


SERVERS = (
    Server("gunicorn-sync", _gunicorn("--workers", "2")),
    Server("gunicorn-gthread", _gunicorn("--threads", "8")),
    Server("uvicorn-h11", _uvicorn("h11", "wsproto"), websocket=True),
    Server("uvicorn-httptools", _uvicorn("httptools", "websockets-sansio"), websocket=True),
    Server("hypercorn", _hypercorn, websocket=True),
    Server("aiohttp", _aiohttp, websocket=True),
    Server("node", _node, EVERYTHING | {"hints"}),
    Server("nginx", _nginx, frozenset({"stream", "refuse"})),
    Server(
        "busybox",
        _busybox,
        frozenset({"stream", "echo"}),
        False,
        (("/echo", "/cgi-bin/echo"), ("/stream/", "/cgi-bin/stream?")),
    ),
)


class Running:
    """A server process on a port of loopback."""

    def __init__(self, server, folder):
        self.server = server
        self.folder = folder / server.name
        self.folder.mkdir()
        self.address = ("127.0.0.1", free_port())
        self.log_path = self.folder / "log"
        self.process = None

    def start(self):
        """Start it; it does not listen yet."""
        gates = self.folder.parent / "gates"
        environment = os.environ | {"GATES": str(gates), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = self.server.command(self.address[1], self.folder)
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
            )

    def listens(self):
        """Whether it takes a connection."""
        assert self.process.poll() is None, f"{self.server.name} ended: {self.log_path.read_text()[-2000:]}"
        with contextlib.suppress(OSError):
            socket.create_connection(self.address, 1).close()
            return True
        return False

    def wait(self):
        """Wait until it listens."""
        end = time.monotonic() + DEADLINE
        while not self.listens():
            assert time.monotonic() < end, f"{self.server.name} does not listen: {self.log_path.read_text()[-2000:]}"
            time.sleep(0.02)  # another process, which announces nothing

    def stop(self):
        """End it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
