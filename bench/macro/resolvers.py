"""DNS peers, each serving the same names from its own data: one A and one AAAA record for each, TTL 5, no forwarding, no log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from bench.macro import machine, packages
from bench.macro.program import Launch, free_port
from bench.macro.proxies import PROXIES, serve
from bench.macro.sample import Value

ZONE = "mesh.internal"
TTL = 5


class Zone(Value):
    """`names` maps each name, relative to ZONE, to its IPv4 address; all have the IPv6 address ::1.

    `port` is where each of those addresses accepts connections, for servers that announce only what answers.
    """

    listen_port: int
    names: dict[str, str]
    port: int
    folder: str

    def file(self, name: str, text: str) -> str:
        path = Path(self.folder, name)
        path.write_text(text)
        return str(path)


class Resolver(ABC):
    """One DNS server with one thread. `find` gives its program or raises Absent."""

    name: str
    version_argument = "--version"

    @abstractmethod
    def find(self) -> str: ...

    @abstractmethod
    def launch(self, zone: Zone) -> Launch: ...

    def version(self) -> str:
        return machine.version((self.find(), self.version_argument))


class Dnsmasq(Resolver):
    name = "dnsmasq"

    def find(self) -> str:
        return packages.debian("dnsmasq", "dnsmasq-base")

    def launch(self, zone: Zone) -> Launch:
        lines = [f"{ip} {name}.{ZONE}\n::1 {name}.{ZONE}\n" for name, ip in zone.names.items()]
        hosts = zone.file("hosts", "".join(lines))
        sources = ("--conf-file=/dev/null", "--no-hosts", "--no-resolv", f"--addn-hosts={hosts}", f"--local=/{ZONE}/")
        place = ("--listen-address=127.0.0.1", "--bind-interfaces", f"--port={zone.listen_port}")
        rest = ("--user=root", f"--local-ttl={TTL}", f"--pid-file={zone.folder}/pid", "--cache-size=10000")
        return Launch(argv=(self.find(), "--keep-in-foreground", *sources, *place, *rest))


class Unbound(Resolver):
    name = "unbound"
    version_argument = "-V"

    CONFIG = """\
server:
  num-threads: 1
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 0
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  minimal-responses: yes
  local-zone: "{zone}." static
{records}
remote-control:
  control-enable: no
"""

    def find(self) -> str:
        return packages.debian("unbound", "unbound")

    def launch(self, zone: Zone) -> Launch:
        lines = []
        for name, ip in zone.names.items():
            lines.append(f'  local-data: "{name}.{ZONE}. {TTL} A {ip}"')
            lines.append(f'  local-data: "{name}.{ZONE}. {TTL} AAAA ::1"')
        text = self.CONFIG.format(port=zone.listen_port, zone=ZONE, records="\n".join(lines))
        return Launch(argv=(self.find(), "-d", "-p", "-c", zone.file("unbound.conf", text)))


class Knot(Resolver):
    name = "knot"

    CONFIG = """\
server:
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  rundir: {folder}
  pidfile: {folder}/knot.pid
  automatic-acl: off
log:
- target: stderr
  any: error
database:
  storage: {folder}
control:
  listen: {folder}/knot.sock
zone:
- domain: {zone}
  file: {file}
  zonefile-sync: -1
  journal-content: none
"""

    def find(self) -> str:
        return packages.debian("knotd", "knot")

    def launch(self, zone: Zone) -> Launch:
        soa = f"{ZONE}. {TTL} SOA ns.{ZONE}. admin.{ZONE}. 1 3600 600 86400 {TTL}\n{ZONE}. {TTL} NS ns.{ZONE}.\n"
        lines = [f"{name}.{ZONE}. {TTL} A {ip}\n{name}.{ZONE}. {TTL} AAAA ::1\n" for name, ip in zone.names.items()]
        file = zone.file("zone", soa + f"ns.{ZONE}. {TTL} A 127.0.0.1\n" + "".join(lines))
        text = self.CONFIG.format(port=zone.listen_port, folder=zone.folder, zone=ZONE, file=file)
        return Launch(argv=(self.find(), "-c", zone.file("knot.conf", text)))


class Tidegate(Resolver):
    """The product: one service for each name, in a watched file."""

    name = "tidegate"

    def find(self) -> str:
        return PROXIES["tidegate"].find()

    def launch(self, zone: Zone) -> Launch:
        lines = ["services:"]
        for name, ip in zone.names.items():
            lines.append(f'  {name}: {{endpoints: ["{ip}:{zone.port}", "[::1]:{zone.port}"]}}')
        table = zone.file("bench.yaml", "\n".join(lines) + "\n")
        listen = f"127.0.0.1:{zone.listen_port}"
        argv = serve(
            self.find(),
            zone.folder,
            http=f"127.0.0.1:{free_port()}",
            dns=listen,
            options=("--no-docker", "--file", table),
        )
        return Launch(argv=argv)


RESOLVERS: dict[str, Resolver] = {peer.name: peer for peer in (Dnsmasq(), Unbound(), Knot(), Tidegate())}
