"""Forwarding DNS peers: each sends what it does not know to one upstream and keeps it for as long as its TTL says, no log. Each has
room for all answers of the bench, which none has by default."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

from bench.macro.program import Launch, free_port
from bench.macro.proxies import PROXIES, serve
from bench.macro.resolvers import RESOLVERS
from bench.macro.sample import Value

ZONE = "upstream.net"  # of nobody we ask; neither private nor special


class Place(Value):
    """Where a forwarder listens on 127.0.0.1, which port its upstream has there, and a folder of its own."""

    listen_port: int
    upstream_port: int
    folder: str


class Forwarder(ABC):
    """One forwarder with one thread."""

    name: str

    def find(self) -> str:
        """Its program; raises Absent."""
        return RESOLVERS[self.name].find()

    @abstractmethod
    def launch(self, place: Place) -> Launch: ...


class Dnsmasq(Forwarder):
    name = "dnsmasq"

    def launch(self, place: Place) -> Launch:
        sources = ("--conf-file=/dev/null", "--no-hosts", "--no-resolv", f"--server=127.0.0.1#{place.upstream_port}")
        here = ("--listen-address=127.0.0.1", "--bind-interfaces", f"--port={place.listen_port}")
        rest = ("--user=root", f"--pid-file={place.folder}/pid", "--cache-size=30000", "--dns-forward-max=1000")
        return Launch(argv=(self.find(), "--keep-in-foreground", *sources, *here, *rest))


class Unbound(Forwarder):
    name = "unbound"

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
  do-not-query-localhost: no
  module-config: "iterator"
  minimal-responses: yes
  msg-cache-size: 64m
  rrset-cache-size: 128m
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{upstream}
remote-control:
  control-enable: no
"""

    def launch(self, place: Place) -> Launch:
        path = Path(place.folder, "unbound.conf")
        path.write_text(self.CONFIG.format(port=place.listen_port, upstream=place.upstream_port))
        return Launch(argv=(self.find(), "-d", "-p", "-c", str(path)))


class Tidegate(Forwarder):
    """The product, with no services of its own."""

    name = "tidegate"

    def launch(self, place: Place) -> Launch:
        options = ("--no-docker", "--upstream-dns", f"127.0.0.1:{place.upstream_port}")
        http, dns = (f"127.0.0.1:{port}" for port in (free_port(), place.listen_port))
        argv = serve(PROXIES["tidegate"].find(), place.folder, http=http, dns=dns, options=options)
        return Launch(argv=argv, env={"TIDEGATE_DNS_CACHE_BYTES": "64m"})


FORWARDERS: tuple[Forwarder, ...] = (Dnsmasq(), Unbound(), Tidegate())
