"""Other DNS servers, each with `mesh.test` from its own data, on a port of loopback: what they do with the bytes we do."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from typing import NamedTuple

import dns.message
import dns.rcode

from tests.support.serve import free_port

FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
DEADLINE = 20
ZONE = """\
mesh.test. 5 SOA ns.mesh.test. admin.mesh.test. 1 3600 600 86400 5
mesh.test. 5 NS ns.mesh.test.
ns.mesh.test. 5 A 127.0.0.1
web.mesh.test. 5 A 127.0.0.2
"""
KNOT = """\
server:
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: {folder}
  automatic-acl: off
log:
- target: stderr
  any: error
database:
  storage: {folder}
control:
  listen: {folder}/knot.sock
template:
- id: default
  global-module: mod-cookies
zone:
- domain: mesh.test
  file: {folder}/zone
  zonefile-sync: -1
  journal-content: none
"""
UNBOUND = """\
server:
  interface: 127.0.0.1
  port: {port}
  num-threads: 1
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  local-zone: "." refuse
  local-zone: "mesh.test." static
{data}
remote-control:
  control-enable: no
"""
NSD = """\
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  zonesdir: "{folder}"
  pidfile: ""
  database: ""
  xfrdfile: "{folder}/xfrd"
  zonelistfile: "{folder}/zones"
  logfile: "{folder}/log"
  answer-cookie: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: mesh.test
  zonefile: zone
"""
BIND = """\
options {{
  directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file none;
  recursion no; dnssec-validation no; session-keyfile none;
}};
controls {{ }};
zone "mesh.test" {{ type primary; file "{folder}/zone"; }};
"""


class Peer(NamedTuple):
    """`arguments` run it in the foreground with the file `settings` becomes."""

    name: str
    program: str
    package: str
    arguments: tuple[str, ...]
    settings: str

    @property
    def path(self):
        return shutil.which(self.program, path=FOLDERS)


PEERS = (
    Peer("knot", "knotd", "knot", ("-c",), KNOT),
    Peer("unbound", "unbound", "unbound", ("-d", "-p", "-c"), UNBOUND),
    Peer("nsd", "nsd", "nsd", ("-d", "-c"), NSD),
    Peer("bind", "named", "bind9", ("-n", "1", "-g", "-c"), BIND),
)
SENTINEL = dns.message.make_query("web.mesh.test", "A", id=0xBEEF).to_wire()


class Started:
    """A peer's process in `folder`; `ready` waits until it answers at `port`."""

    def __init__(self, peer, folder):
        folder.mkdir()
        self.peer, self.port = peer, free_port()
        self.output = folder / "output"
        data = "\n".join(f'  local-data: "{line}"' for line in ZONE.splitlines())
        (folder / "zone").write_text(ZONE)
        settings = folder / "conf"
        settings.write_text(peer.settings.format(port=self.port, folder=folder, data=data))
        command = [peer.path, *peer.arguments, str(settings)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(DEADLINE)

    async def ready(self):
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(DEADLINE):
            while True:
                assert self.process.poll() is None, f"{self.peer.name} ended: {self.said()}"
                with _connected(self.port) as sock, contextlib.suppress(ConnectionRefusedError, TimeoutError):
                    await loop.sock_sendall(sock, SENTINEL)
                    reply = await asyncio.wait_for(loop.sock_recv(sock, 4096), 0.1)
                    if _summary(reply) == "NOERROR+":
                        return
                await asyncio.sleep(0.02)  # another process, which announces nothing

    def said(self):
        """The end of its log."""
        return self.output.read_text("utf-8", "replace")[-2000:]


async def outcome(port, packet):
    """What the server at `port` does with `packet`: `drop`, or its code, `NOERROR+` where it has answers.

    Two questions of another id go behind it: who has answered those has no more to say to the first.
    """
    loop = asyncio.get_running_loop()
    with _connected(port) as sock:
        await loop.sock_sendall(sock, packet)
        found = "drop"
        async with asyncio.timeout(DEADLINE):
            for _ in range(2):
                await loop.sock_sendall(sock, SENTINEL)
                while (reply := await loop.sock_recv(sock, 65535))[:2] != SENTINEL[:2]:
                    found = _summary(reply)
        return found


async def streamed(port, data):
    """What the server does with `data` on a connection whose client then ends its side: the codes of its replies."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(65536):
                received += data
        writer.close()
    found = []
    while len(received) >= 2:
        size = int.from_bytes(received[:2])
        found.append(_summary(received[2 : 2 + size]))
        received = received[2 + size :]
    return found


def _summary(reply):
    rcode = reply[3] & 15
    if len(reply) >= 23 and reply[10:12] != b"\0\0":
        at = reply.rfind(b"\0\0\x29")
        rcode |= reply[at + 5] << 4 if at >= 12 else 0
    return dns.rcode.to_text(rcode) + "+" * (rcode == 0 and reply[6:8] != b"\0\0")


@contextlib.contextmanager
def _connected(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        yield sock
