"""What `doctor` looks at for DNS: who is asked for foreign names, whether they answer, and whether they ask us in turn.

Each upstream gets one query, for a name that a running Tidegate with these listeners answers and nobody else does: any
answer shows that the upstream lives, our own that it leads back to us.
"""

from __future__ import annotations

import errno
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidegate.cli.diagnosis import BROKEN, OK, WARNING, Finding, bind_error
from tidegate.config import DnsConfig
from tidegate.dns import message
from tidegate.dns.forward import is_own
from tidegate.dns.loop import LoopCheck
from tidegate.dns.resolvconf import parse
from tidegate.dns.upstream import query_for
from tidegate.model import Address, Nameserver

RESOLV_CONF = Path("/etc/resolv.conf")
ANSWER_SECONDS = 2.0
RESOLVED = ("127.0.0.53", 53)
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared, not bound


def examine_dns(config: DnsConfig) -> Iterator[Finding]:
    """All checks that have to do with names."""
    yield _resolved(config.listeners)
    if not config.listeners:
        return
    if not config.forward:
        yield Finding(check="upstreams", state=OK, text="switched off: foreign names are refused")
        return
    named = _resolv_conf()
    yield _resolv_conf_finding(config, named)
    servers = [server for server in config.upstreams or named if not is_own(server, config.listeners)]
    servers += [server for zone in config.forward_zones for server in zone.upstreams]
    if not servers:
        yield Finding(
            check="upstreams",
            state=WARNING,
            text="nobody is asked for foreign names: they get SERVFAIL",
            mend=_NAME_ONE,
        )
    for server in dict.fromkeys(servers):
        yield _upstream(server, LoopCheck(config.listeners))


_NAME_ONE = "name one with --upstream-dns, or refuse foreign names with dns.forward: false"


def _resolv_conf() -> tuple[Nameserver, ...]:
    try:
        return parse(RESOLV_CONF.read_text("utf-8", "replace")).nameservers
    except OSError:  # a host without the file asks nobody
        return ()


def _resolv_conf_finding(config: DnsConfig, named: Sequence[Nameserver]) -> Finding:
    """A host that asks us is well, as long as we ask somebody else."""
    ours = [server for server in named if is_own(server, config.listeners)]
    if not ours:
        text = ", ".join(map(str, named)) or "names nobody"
        return Finding(check="resolv.conf", state=OK, text=text)
    others = config.upstreams or [server for server in named if server not in ours]
    text = f"{RESOLV_CONF} points at us ({', '.join(map(str, ours))})"
    if others:
        return Finding(check="resolv.conf", state=OK, text=text)
    return Finding(check="resolv.conf", state=BROKEN, text=f"{text} and at nobody else", mend=_NAME_ONE)


def _upstream(server: Nameserver, loops: LoopCheck) -> Finding:
    check = "upstream"
    began = time.monotonic()
    try:
        reply = b"" if server.tls else _asked(server, query_for(loops.question() + b"\0"))
        if server.tls:
            socket.create_connection((server.host, server.port), ANSWER_SECONDS).close()
    except OSError as error:
        cause = f"no answer within {ANSWER_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error)
        mend = "is it up, and does a firewall let UDP and TCP through? others are asked meanwhile"
        return Finding(check=check, state=WARNING, text=f"{server}: {cause}", mend=mend)
    found = message.read(reply) if reply else None
    if found is not None and loops.is_ours(found):
        text = f"{server} sends our own queries back to us: foreign names cannot be resolved there"
        return Finding(check=check, state=BROKEN, text=text, mend="give another one with --upstream-dns")
    what = "takes connections (TLS)" if server.tls else f"answers in {(time.monotonic() - began) * 1000:.0f} ms"
    return Finding(check=check, state=OK, text=f"{server} {what}")


def _asked(server: Nameserver, query: bytes) -> bytes:
    """The first answer to `query`. Raises OSError, TimeoutError among them."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ANSWER_SECONDS)
        sock.connect((server.host, server.port))
        sock.send(secrets.token_bytes(2) + query[2:])
        return sock.recv(4096)


def _resolved(listeners: Sequence[Address]) -> Finding:
    """systemd-resolved holds 127.0.0.53:53, which keeps a DNS server from all addresses' port 53, and from no other's."""
    held = bind_error(Address(host=RESOLVED[0], port=RESOLVED[1]), socket.SOCK_DGRAM)
    if held is None or held.errno != errno.EADDRINUSE:
        return Finding(check="resolved", state=OK, text="nobody holds 127.0.0.53:53")
    if not any(where.port == RESOLVED[1] and where.host in (*_EVERYWHERE, RESOLVED[0]) for where in listeners):
        return Finding(check="resolved", state=OK, text="a resolver holds 127.0.0.53:53; our DNS address is another")
    mend = "listen on one address (--dns 172.17.0.1:53), or set DNSStubListener=no in /etc/systemd/resolved.conf"
    text = "systemd-resolved holds 127.0.0.53:53 and --dns wants port 53 of all addresses"
    return Finding(check="resolved", state=WARNING, text=text, mend=mend)
