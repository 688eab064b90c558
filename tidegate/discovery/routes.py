"""Routing labels: `aliyun.routing.port_<n>` and `tidegate.routing.port_<n>`, a `;` list of `[scheme://]host[/path]`.

Pure. One bad entry costs that entry only. `http` and `ws`, `https` and `wss` are each one thing to the router, because
an upgrade is a request like any other.
"""

from __future__ import annotations

import re

from tidegate.discovery.complaints import Complaints
from tidegate.discovery.hosts import Grammar, read_host, read_path
from tidegate.model import RouteClaim
from tidegate.settings.fault import Fault, shown

MAX_HOSTS = 32
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}


class RouteReader:
    """Reads the routing labels of one container and keeps what they claim, first come first kept."""

    def __init__(self, complaints: Complaints, root_domain: str) -> None:
        self._complaints = complaints
        self._root_domain = root_domain
        self._claims: dict[tuple[str, str], RouteClaim] = {}
        self._hosts: set[str] = set()

    @property
    def claims(self) -> tuple[RouteClaim, ...]:
        """One claim for each host and path."""
        return tuple(self._claims.values())

    def read(self, label: str, value: str, port: int, grammar: Grammar) -> None:
        """Add the claims of one label; `port` is the container port they lead to."""
        written: set[tuple[str, str, str]] = set()
        items = [item.strip() for item in value.split(";")]
        if not any(items):
            self._refuse("T1202", label, Fault("the list of hosts is empty", "write [scheme://]host[/path]"))
        for item in filter(None, items):
            claim = self._item(label, item, port, grammar)
            if isinstance(claim, Fault):
                self._refuse("T1202", label, claim)
            elif claim is not None:
                scheme = item.lower().partition("://")[0] if "://" in item else "http"
                self._keep(label, item, claim, (scheme, claim.host, claim.path) in written)
                written.add((scheme, claim.host, claim.path))

    def _item(self, label: str, item: str, port: int, grammar: Grammar) -> RouteClaim | Fault | None:
        match = _SCHEME.match(item)
        scheme = match[1].lower() if match else "http"
        rest = item[match.end() :] if match else item
        if scheme == "tcp":
            text = f"route {shown(item)} is understood, but routing of raw TCP is not supported yet"
            self._complaints.warning("T1204", label, text, mend="publish the port", kept="the other routes stand")
            return None
        if scheme not in _SCHEMES:
            return Fault(f"scheme {shown(scheme)} is none of http, https, ws, wss, tcp", "leave it out for http")
        name, slash, tail = rest.partition("/")
        if scheme in ("https", "wss") and name and "." not in name:
            return Fault(
                f"route {shown(item)} needs a full domain, as {scheme} serves a certificate", "write host.domain"
            )
        host = read_host(name, grammar, self._root_domain)
        if isinstance(host, Fault):
            return host
        path = read_path(slash + tail, grammar)
        if isinstance(path, Fault):
            return path
        return RouteClaim(port=port, host=host, path=path, scheme=_SCHEMES[scheme], origin=label)

    def _keep(self, label: str, item: str, claim: RouteClaim, written_twice: bool) -> None:
        where = (claim.host, claim.path)
        held = self._claims.get(where)
        if written_twice:
            text = f"route {shown(item)} stands twice in one label"
            self._complaints.error("T1205", label, text, mend="keep one of the two", kept="the first one serves")
        elif held is not None and held.port != claim.port:
            text = f"{claim.host}{claim.path} leads to port {held.port} by {held.origin} and to port {claim.port} here"
            self._complaints.error("T1205", label, text, mend="keep one of the two", kept=f"port {held.port} serves")
        elif held is not None:
            # Asked for by http and https alike: the plain one says more, as it forbids nothing.
            if held.scheme != "http" and claim.scheme == "http":
                self._claims[where] = claim
        elif claim.host not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            text = f"host {claim.host} is one more than the {MAX_HOSTS} that one container may claim"
            self._complaints.error(
                "T1210", label, text, mend="use a wildcard, or a route in a file", kept="the first ones serve"
            )
        else:
            self._hosts.add(claim.host)
            self._claims[where] = claim

    def _refuse(self, code: str, label: str, fault: Fault) -> None:
        self._complaints.error(code, label, fault.text, mend=fault.mend, kept="the container's other routes stand")
