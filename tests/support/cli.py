"""Running the command as a pipe or a terminal sees it, and an admin API that answers from a recording."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Asked(NamedTuple):
    method: str
    path: str
    query: dict
    body: object
    token: str


class FakeAdmin:
    """An admin API on a free port: `answers` maps `GET /v1/status` to a body, or to (status, body)."""

    def __init__(self, answers):
        self.answers = dict(answers)
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self):
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def changes(self):
        return [asked for asked in self.asked if asked.method != "GET"]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(DEADLINE)


def _handler(fake):
    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = unquote(parts.path)
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            fake.asked.append(Asked(self.command, path, dict(parse_qsl(parts.query)), body, token))
            status, answer = _status_and_body(fake.answers.get(f"{self.command} {path}"))
            payload = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            kind = "text/event-stream" if isinstance(answer, str) else "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815  the names http.server looks for

        def log_message(self, *_):
            pass

    return Handler


def _status_and_body(answer):
    if answer is None:
        return 404, {"title": "not found", "status": 404, "detail": "no such resource"}
    return answer if isinstance(answer, tuple) else (200, answer)


def environment(**extra):
    """Ours without what would change the output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEGATE_", "DOCKER_"))}
    kept.pop("NO_COLOR", None)
    kept.pop("CI", None)
    return kept | {"COLUMNS": "100", "LINES": "40", "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)} | extra


def command(arguments):
    return [sys.executable, "-m", "tidegate", *arguments]


def piped(*arguments, cwd=None, **extra):
    """Run with both streams in pipes."""
    done = subprocess.run(
        command(arguments),
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(**extra),
        cwd=cwd,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def on_terminal(*arguments, **extra):
    """Run with both streams on one pseudo-terminal of 100 columns; `out` has both, newlines as one character."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        command(arguments), stdin=slave, stdout=slave, stderr=slave, env=environment(**extra), start_new_session=True
    )
    os.close(slave)
    text = _read_all(master)
    os.close(master)
    return Outcome(child.wait(DEADLINE), text.replace("\r\n", "\n"), "")


def _read_all(descriptor):
    chunks = []
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        readable, _, _ = select.select([descriptor], [], [], deadline - time.monotonic())
        if not readable:
            break
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # the last writer closed its end: that is how a pseudo-terminal says end of file
            break
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks).decode()


def plain(text):
    """Without escape codes and blanks at line ends."""
    return "\n".join(line.rstrip() for line in ESCAPE.sub("", text).splitlines())


def matches_golden(name, text):
    """Compare with tests/cli/golden/<name>.txt; with UPDATE_GOLDEN=1 write it instead, to be read before committing."""
    path = ROOT / "tests" / "cli" / "golden" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return text == path.read_text()


def endpoint(name, version, state="healthy", **more):
    return {
        "id": f"{name}:80",
        "instance": name,
        "name": name,
        "service": "shop/web",
        "port": 80,
        "address": {"host": "172.18.0.2", "port": 80},
        "state": state,
        "version": version,
        "node": "n1",
    } | more


ENDPOINTS = [
    endpoint("web-1", "v1", load={"cpu_percent": 43.21, "memory_bytes": 120 << 20}),
    endpoint("web-2", "v1", "unhealthy", reason="GET /healthz: connection refused"),
    endpoint("web-3", "v2", address={"host": "fd00::3", "port": 80}),
]
SERVICES = [
    {"key": "shop/web", "name": "web", "project": "shop", "endpoints": ENDPOINTS},
    {"key": "blog/web", "name": "web", "project": "blog", "endpoints": []},
    {"key": "db", "name": "db", "endpoints": [endpoint("db-1", "", service="db")]},
]
BACKENDS = [
    {"service": "shop/web", "version": "v1", "port": 80, "weight": 75},
    {"service": "shop/web", "version": "v2", "port": 80, "weight": 25},
]
ROUTES = [
    {"id": "shop.test/", "host": "shop.test", "path": "/", "backends": BACKENDS, "mode": "normal"},
    {"id": "shop.test/api", "host": "shop.test", "path": "/api", "backends": BACKENDS, "mode": "hold"},
    {"id": "db.test/", "host": "db.test", "path": "/", "backends": [{"service": "db", "version": "", "weight": 100}]},
]
PROBLEM = {
    "code": "T1203",
    "severity": "warning",
    "text": "unknown label 'aliyun.prot'",
    "place": "container web-1, label aliyun.prot",
    "mend": "did you mean aliyun.port?",
}
STATUS = {
    "version": "0.1.0",
    "uptime_seconds": 273600.0,
    "node": "n1",
    "ready": True,
    "waiting_for": [],
    "table_version": 6,
    "services": 3,
    "routes": 3,
    "endpoints": 4,
    "problems": 1,
    "providers": [{"name": "docker", "version": 9, "stale": True}],
    "workers": [{"name": "worker-0"}],
    "overrides": [],
}
CHANGED = {
    "target": "shop/web",
    "dry_run": False,
    "version": 7,
    "revision": 3,
    "applied": True,
    "changes": [{"kind": "weights", "text": "shop.test/ goes to shop/web v1 90, shop/web v2 10"}],
    "warnings": [],
}
EVENTS = [
    {"id": 1, "at": 1.0, "kind": "route", "text": "shop.test/ appeared", "who": "", "why": "", "version": 2},
    {
        "id": 3,
        "at": 2.0,
        "kind": "weights",
        "text": "shop.test/ goes to v2",
        "who": "uid 0",
        "why": "try",
        "version": 3,
    },
]
STREAM = (
    ": resumed\n\n"
    'event: delta\nid: 4\ndata: {"base": 3, "version": 4}\n\n'
    'event: happening\nid: 5\ndata: {"id": 5, "at": 3.0, "kind": "mode", "text": "db.test/ is on hold"}\n\n'
)
SETTINGS = {
    "target": "shop/web",
    "settings": {"retry.tries": "1"},
    "revision": 7,
    "routes": [{"route": "shop.test/", "settings": {"retry.tries": {"value": "1", "source": "override of shop/web"}}}],
}

RECORDED = {
    "GET /v1/status": STATUS,
    "GET /v1/services": {"services": SERVICES},
    "GET /v1/stacks": {"stacks": []},
    "GET /v1/services/shop/web": SERVICES[0] | {"weights": {"v1": 75, "v2": 25, "v3": 0}, "problems": [PROBLEM]},
    "GET /v1/routes": {"routes": ROUTES},
    "GET /v1/endpoints": {"endpoints": ENDPOINTS},
    "GET /v1/nodes": {
        "nodes": [
            {"name": "n1", "zone": "a", "state": "ready", "endpoints": 4},  # no engine there
            {
                "name": "n2",
                "zone": "b",
                "state": "drained",
                "endpoints": 0,
                "leader": True,
                "address": "10.0.0.2",
                "peer": "10.0.0.2:7946",
                "cpus": 4.0,
                "memory": 8 << 30,
                "used": {"memory_bytes": 8 << 30, "memory_available_bytes": 5 << 30, "cpu_percent": 35.2},
                "labels": {"disk": "ssd"},
                "engines": [{"name": "docker", "version": "20.10.24"}],
                "version": "0.1.0",
                "drained_by": "ann",
                "why": "new disk",
                "drained_since": 1795393073.0,
                "replicas": 3,
                "reserved": {"cpus": 1.5, "memory": 2 << 30},
                "holds": {"images": 12, "volumes": 1, "containers": 2, "ports": ["tcp/5432"], "memory": 1 << 30},
                "left_out": {"images": 7},
            },
        ]
    },
    "GET /v1/scaling": {
        "scaling": [
            {
                "service": "shop/web",
                "version": "v1",
                "wanted": 3,
                "running": 2,
                "own": 0,
                "least": 1,
                "most": 6,
                "rule": ["1 more when CPU is above 70 % for 3 periods of 60 s"],
                "figures": {"cpu": 83.42},
                "why": "CPU 83.4 % above 70 % in 1 of 3 periods",
                "at": 1700000100.0,
                "last_change": {"when": 1700000000.0, "current": 2, "wanted": 3, "why": "CPU 90 %", "figures": {}},
                "trouble": "",
            },
            {
                "service": "shop/api",
                "version": "",
                "wanted": 1,
                "running": 1,
                "own": 0,
                "least": 0,
                "most": 10,
                "rule": ["as many as bring requests to 50/s for each replica"],
                "figures": {},
                "why": "requests is not known; node-2 cannot be asked (it does not answer in time)",
                "at": 1700000100.0,
                "last_change": None,
                "trouble": "",
            },
        ]
    },
    "GET /v1/quotas": {
        "quotas": [
            {
                "account": "shop",
                "limited": True,
                "allowed": {"cpus": 4.0, "memory": 8 << 30, "replicas": 0},
                "used": {"cpus": 0.5, "memory": 1 << 30, "replicas": 3},
                "who": "ann",
                "when": 60.0,
                "why": "a small team",
            }
        ]
    },
    "GET /v1/certificates": {
        "certificates": [
            {
                "name": "shop",
                "hosts": ["shop.test", "*.shop.test"],
                "days_left": 41.3,
                "issuer": "CN=Example CA",
                "file": "/etc/tidegate/certs/shop.crt",
                "default": True,
            }
        ]
    },
    "GET /v1/problems": {"problems": [PROBLEM]},
    "GET /v1/events": {"events": EVENTS},
    "GET /v1/stream": STREAM,
    "GET /v1/explain": {
        "subject": "shop.test/",
        "found": True,
        "route": "shop.test/",
        "steps": ["host shop.test: exact match", "backend shop/web v1: weight 75, 75 % of the traffic", "  in: web-1"],
        "problems": [PROBLEM],
    },
    "GET /v1/resolve": {
        "answers": [{"name": "web.shop.mesh.internal", "ttl": 5, "type": "A", "data": "172.18.0.2"}],
        "rcode": "NOERROR",
        "source": "a name of the table",
        "ttl": 5,
        "holder": "web.shop",
        "mode": "direct",
        "asker": "10.0.0.9",
        "container": "shop-api-1",
        "networks": ["shop_default"],
        "targets": [
            {
                "name": "shop-web-1",
                "addresses": ["172.18.0.2"],
                "reason": "",
                "weight": 1,
                "version": "v1",
                "share": 90,
                "networks": ["shop_default"],
            },
            {
                "name": "shop-web-2",
                "addresses": [],
                "reason": "draining",
                "weight": 1,
                "version": "v2",
                "share": 10,
                "networks": ["shop_default"],
            },
        ],
    },
    "GET /v1/releases": {"releases": []},
    "PUT /v1/overrides/weights": CHANGED,
    "DELETE /v1/overrides/weights": CHANGED,
    "PUT /v1/overrides/mode": CHANGED,
    "DELETE /v1/overrides/mode": CHANGED,
    "PUT /v1/overrides/drain": CHANGED,
    "GET /v1/settings/shop/web": SETTINGS,
    "PUT /v1/settings/shop/web": CHANGED,
    "DELETE /v1/settings/shop/web": CHANGED,
    "PUT /v1/settings/shop.test/api": CHANGED,
}
