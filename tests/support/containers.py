"""Containers on a real engine through the plain `docker` command, all removed at the end, and the image they run.

The image is this very Python with the C library it was built against: a container with glibc, a resolver and a server
that keeps connections alive, made without a registry.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import uuid
from pathlib import Path

import pytest

from tests.support.images import ensure_busybox
from tidegate.engine.docker import DockerEngine

DEADLINE = 60.0
PYTHON = "tidegate-test/python"
PYTHON_PATH = "/python/bin/python3"
LABEL = "tidegate-system-test"
_LEFT_OUT = {
    "__pycache__",
    "site-packages",
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "lib2to3",
    "turtledemo",
    "pydoc_data",
}

# Answers every request with its own name as the first line of the body and the head it got after it, on kept connections.
# A WebSocket, with the key of RFC 6455's own example, gets the name for each of its (short) frames.
# On SIGTERM it does what a careless program does: it goes at once, whatever is in flight. argv: name (or $WHO), port, seconds
# before the port opens. /slow/0.5 answers after half a second, /burn/0.5 after half a second of CPU; /healthz says 503 while there is a file /tmp/sick. Bad versions, by
# their environment: NEVER opens its port, CRASH so many seconds after its start, ERRORS for every so many requests, LAZY seconds.
SERVER = r"""
import asyncio, os, signal, sys, time
asked, errors, lazy = 0, int(os.environ.get("ERRORS", 0)), float(os.environ.get("LAZY", 0))
name, port, wait = os.environ.get("WHO") or sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
async def echo(reader, writer, head):
    assert b"dGhlIHNhbXBsZSBub25jZQ==" in head
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
    writer.write(answer % b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    while True:
        first, size = await reader.readexactly(2)
        await reader.readexactly(4 + (size & 127))
        writer.write(bytes((0x81, len(name))) + name.encode())
        await writer.drain()
async def serve(reader, writer):
    global asked
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            low = head.lower()
            if b"upgrade: websocket" in low:
                await echo(reader, writer, head)
                break
            if b"content-length:" in low:
                await reader.readexactly(int(low.split(b"content-length:")[1].split(b"\r\n")[0]))
            if path.startswith("/slow/"):
                await asyncio.sleep(float(path[6:]))
            if path.startswith("/burn/"):
                burnt = time.process_time() + float(path[6:])
                while time.process_time() < burnt:
                    pass
            sick = path == "/healthz" and os.path.exists("/tmp/sick")
            if path != "/healthz":
                asked += 1
                sick = errors and not asked % errors
                await asyncio.sleep(lazy)
            body = (name + "\n" + head.decode("latin-1")).encode("latin-1")
            status = b"503 Sick" if sick else b"200 OK"
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
            await writer.drain()
    except (EOFError, ConnectionError):
        pass
    finally:
        writer.close()
async def main():
    if "CRASH" in os.environ:
        asyncio.get_running_loop().call_later(float(os.environ["CRASH"]), os._exit, 3)
    await asyncio.sleep(1e6 if "NEVER" in os.environ else wait)
    server = await asyncio.start_server(serve, "0.0.0.0", port, backlog=512)
    await server.serve_forever()
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
asyncio.run(main())
"""


class Containers:
    """What one test runs. Names get a prefix of the test's own, so that nothing else on the engine is touched."""

    def __init__(self, url):
        self.url = url
        self.prefix = f"tgsys{uuid.uuid4().hex[:6]}"
        self._networks = []

    async def docker(self, *arguments, check=True):
        """Standard output of `docker ...`."""
        process = await asyncio.create_subprocess_exec(
            *("docker", "-H", self.url, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")},
        )
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
        assert not check or process.returncode == 0, f"{arguments}: {process.returncode} {err.decode()}"
        return out.decode().strip()

    def name(self, short):
        """The container's full name."""
        return f"{self.prefix}-{short}"

    async def run(self, short, *command, image, labels=None, options=()):
        """`docker run -d`; gives the container's name."""
        marks = [f"--label={key}={value}" for key, value in {LABEL: self.prefix, **(labels or {})}.items()]
        await self.docker("run", "-d", "--name", self.name(short), *marks, *options, image, *command)
        return self.name(short)

    async def serve(self, short, labels=None, *, port=80, wait=0.0, options=()):
        """A container that answers with `short` as its name on `port`, which opens after `wait` seconds."""
        command = (PYTHON_PATH, "-S", "-c", SERVER, short, str(port), str(wait))
        return await self.run(short, *command, image=PYTHON, labels=labels, options=options)

    async def execute(self, name, *command):
        """Standard output of a command in a container."""
        return await self.docker("exec", name, *command)

    async def inspect(self, name):
        """What the engine says of it."""
        return json.loads(await self.docker("inspect", name))[0]

    async def address(self, name, network=""):
        """Its IPv4 address on a network (default: the only one)."""
        networks = (await self.inspect(name))["NetworkSettings"]["Networks"]
        return (networks[network] if network else next(iter(networks.values())))["IPAddress"]

    async def network(self, short, *options):
        """Create a network; gives its name."""
        name = f"{self.prefix}-{short}"
        await self.docker("network", "create", *options, name)
        self._networks.append(name)
        return name

    async def gateway(self, network):
        """The host's address on a network; an engine's own bridge names none before something stands on it."""
        (found,) = json.loads(await self.docker("network", "inspect", network))
        if gateway := found["IPAM"]["Config"][0].get("Gateway"):
            return gateway
        return await asyncio.to_thread(_first_address, found["Options"]["com.docker.network.bridge.name"])

    async def remove_all(self):
        """Remove everything this made."""
        with contextlib.suppress(TimeoutError):
            found = await self.docker("ps", "-aq", "--filter", f"label={LABEL}={self.prefix}", check=False)
            if found:
                await self.docker("rm", "-f", *found.split(), check=False)
            for network in self._networks:
                await self.docker("network", "rm", network, check=False)


@contextlib.asynccontextmanager
async def containers(url):
    """Containers of one test on the engine at `url`, with both images there."""
    made = Containers(url)
    await ensure_images(url)
    try:
        yield made
    finally:
        await made.remove_all()


async def ensure_images(url):
    """Have both images on the engine at `url`."""
    engine = DockerEngine(url)
    try:
        await ensure_busybox(engine)
        if not await engine.has_image(PYTHON):
            await engine.import_image(PYTHON, await asyncio.to_thread(python_tar))
    finally:
        await engine.close()


def _first_address(interface):
    listing = subprocess.run(
        ["ip", "-json", "-4", "address", "show", interface], capture_output=True, check=True, timeout=10
    )
    return json.loads(listing.stdout)[0]["addr_info"][0]["local"]


def python_tar():
    """A root file system of this Python, its standard library, the C library, getent and busybox, as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("usr", 0o755), ("root", 0o700), ("tmp", 0o1777)):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, mode
            tar.addfile(member)
        _file(tar, "etc/nsswitch.conf", b"hosts: files dns\n")
        executable = Path(sys.executable).resolve()
        getent, busybox = (Path(shutil.which(name) or pytest.skip(f"needs {name}")) for name in ("getent", "busybox"))
        for source, name in ((executable, PYTHON_PATH), (getent, "bin/getent"), (busybox, "bin/busybox")):
            tar.add(source.resolve(), name.removeprefix("/"))
        for link in ("sh", "nslookup", "wget", "touch", "rm", "cat"):
            member = tarfile.TarInfo(f"bin/{link}")
            member.type, member.mode, member.linkname = tarfile.LNKTYPE, 0o755, "bin/busybox"
            tar.addfile(member)
        for library in sorted({*libraries(executable), *libraries(getent)}):
            tar.add(Path(library).resolve(), library.removeprefix("/"))
        stdlib = Path(sysconfig.get_path("stdlib"))
        tar.add(stdlib, f"python/lib/{stdlib.name}", filter=_wanted)
    return buffer.getvalue()


def _file(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def libraries(program):
    """Paths of the shared libraries that a program is loaded with."""
    listing = subprocess.run(["ldd", program], check=True, capture_output=True, text=True, timeout=10).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def _wanted(member):
    name = Path(member.name).name
    return None if name in _LEFT_OUT or name.startswith("config-") else member
