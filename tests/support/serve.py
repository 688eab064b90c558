"""The real program as a subprocess on free ports, with its state in a folder of the test.

`running(...)` starts it, waits until it is ready, and ends it; whatever happened, its log must hold no traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

from tests.support.cli import ROOT, Outcome, environment

DEADLINE = 30.0
POLL_SECONDS = 0.02
STARTED = re.compile(r"supervisor: started child=(\S+) pid=(\d+)")


async def until(question, deadline=DEADLINE, what=""):
    """Ask again until the answer is true; gives the answer. `question` may be a coroutine function."""
    end = time.monotonic() + deadline
    while True:
        answer = question()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {deadline:g} s: {what or question}"
        await asyncio.sleep(POLL_SECONDS)  # between two looks at another process, which announces nothing


def free_port(host="127.0.0.1"):
    """A port that is free for TCP and UDP at this moment, outside the range that outgoing connections use, and that no other
    process of tests is given as long as this one runs."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        if port in _GIVEN or not _is_ours(port):
            continue
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((host, port))
                udp.bind((host, port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")


def _is_ours(port):
    """Claims it among all processes of tests: the name of a socket in the abstract namespace, gone with its process."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0tidegate.tests.port.{port}")
    except OSError:
        claim.close()
        return False
    _GIVEN[port] = claim
    return True


_GIVEN: dict[int, socket.socket] = {}


class Tidegate:
    """One `tidegate serve`. `arguments` are added to the usual ones; `dns` may be on another address than loopback."""

    def __init__(self, folder, *arguments, docker=None, workers=1, dns=None, variables=None, http_host="127.0.0.1"):
        self.folder = Path(folder)
        self.http = (http_host, free_port())
        self.dns = dns or ("127.0.0.1", free_port())
        self.admin = ("127.0.0.1", free_port())
        self.log_path = self.folder / "serve.log"
        self.access_path = self.folder / "access.log"
        self.workers = workers
        self.variables = variables or {}
        self.process = None
        source = ["--docker", docker] if docker else ["--no-docker"]
        self.command = [
            *(sys.executable, "-m", "tidegate", "serve"),
            *("--http", _shown(self.http), "--dns", _shown(self.dns), "--admin", _shown(self.admin)),
            *("--workers", str(workers), "--state", str(self.folder / "state")),
            *("--access-log", str(self.access_path), "--upstream-dns", "127.0.0.1:1"),
            *source,
            *arguments,
        ]

    async def start(self, ready=True, wait=True):
        """Start; wait until it serves what it sees now (`ready`), or at least listens; or do not wait."""
        with self.log_path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, stdout=log, stderr=log, env=environment(**self.variables), start_new_session=True
            )
        if wait:
            await until(self.is_ready if ready else self.is_up, what="serve is up")
        return self

    async def stop(self, deadline=DEADLINE):
        """SIGTERM, and the exit code; killed after the deadline."""
        if self.process is None or self.process.returncode is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        return await self.ended(deadline)

    async def ended(self, deadline=DEADLINE):
        """The exit code."""
        try:
            async with asyncio.timeout(deadline):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    def log(self):
        """What it said so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def access(self):
        """The access log, parsed."""
        return [json.loads(line) for line in self.access_path.read_text().splitlines()]

    def pids(self):
        """The process ids of the children started last, by name: `control`, `worker-0` ..."""
        return {name: int(pid) for name, pid in STARTED.findall(self.log())}

    async def get(self, path):
        """Status and body of GET on the admin API."""
        return await fetch(self.admin, path, "127.0.0.1")

    async def api(self, path):
        """The decoded answer of the admin API."""
        status, body = await self.get(path)
        assert status == 200, f"{path}: {status} {body!r}"
        return json.loads(body)

    async def is_up(self):
        """Whether the admin API answers."""
        assert self.process.returncode is None, f"serve ended with {self.process.returncode}: {self.log()[-2000:]}"
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            status, _ = await self.get("/healthz")
            return status == 200
        return False

    async def is_ready(self):
        """Whether everything it waits for was seen, and every worker follows."""
        if not await self.is_up():
            return False
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            if (await self.get("/readyz"))[0] != 200:
                return False
            status = await self.api("/v1/status")
            return len([w for w in status["workers"] if w["version"] >= status["table_version"]]) >= self.workers
        return False

    async def request(self, host, path="/"):
        """Status and body of one request through the router."""
        return await fetch(self.http, path, host)

    async def answers(self, host, path="/", status=200, deadline=DEADLINE):
        """Wait until a route answers with `status`; gives the body."""

        async def asked():
            try:
                found, body = await self.request(host, path)
            except (OSError, EOFError):
                return None
            return (body,) if found == status else None

        return (await until(asked, deadline, f"{host}{path} did not answer {status}"))[0]

    async def cli(self, *arguments, code=0):
        """Run a verb against this Tidegate in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tidegate", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=environment(TIDEGATE_ADMIN=_shown(self.admin)),
        )
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
        outcome = Outcome(process.returncode, out.decode(), err.decode())
        assert "Traceback" not in outcome.err + outcome.out
        assert outcome.code == code, outcome
        return outcome


@contextlib.asynccontextmanager
async def running(folder, *arguments, ready=True, **more):
    """A started Tidegate that is stopped at the end and left no traceback in its log."""
    tidegate = Tidegate(folder, *arguments, **more)
    try:
        yield await tidegate.start(ready)
    finally:
        code = await tidegate.stop()
    assert code == 0, tidegate.log()[-3000:]
    assert_clean(tidegate)


def assert_clean(tidegate):
    """No traceback and no fault of ours in the log."""
    log = tidegate.log()
    assert "Traceback" not in log, log[-6000:]
    assert "fault on a connection" not in log, log[-6000:]


async def fetch(where, path, host, timeout_seconds=10.0):
    """Status and body of one GET on a connection of its own."""
    async with asyncio.timeout(timeout_seconds):
        return await asked(await asyncio.open_connection(*where), path, host)


async def asked(connection, path, host):
    """Status and body of one GET on a connection, which it ends."""
    reader, writer = connection
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        return status, _body(head, await reader.read())
    finally:
        writer.transport.abort()


def _body(head, rest):
    if b"transfer-encoding: chunked" not in head.lower():
        return rest
    out = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size.split(b";")[0], 16)
        out, rest = out + rest[:count], rest[count + 2 :]
        if not count:
            break
    return out


def _shown(address):
    return f"{address[0]}:{address[1]}"
