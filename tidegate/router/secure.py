"""What the HTTPS listeners of one worker serve from: the shelf's view, a context per certificate, the rules of hosts.

A host whose clients must show a certificate has a context of its own, so that no session begun elsewhere is resumed there
(the class of CVE-2025-23419); without its authority nobody gets in. Contexts are made when first asked for, and anew after
some hours, which is how ticket keys change.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tidegate.policy import ClientCertificates
from tidegate.router.live import LiveRoute
from tidegate.tls.certificate import Pair, fingerprint
from tidegate.tls.contexts import PROTOCOLS, server_context
from tidegate.tls.hello import Hello
from tidegate.tls.shelf import View

_TICKET_SECONDS = 12 * 3600.0

#: Alerts of RFC 8446 section 6.2 that we give before OpenSSL has a say.
ACCESS_DENIED = 49
UNRECOGNIZED_NAME = 112
NO_APPLICATION_PROTOCOL = 120
DECODE_ERROR = 50


class Grant(NamedTuple):
    """How one client is served. With a `rule` its connection is bound to `host`, and to nothing else."""

    context: ssl.SSLContext
    host: bytes
    rule: ClientCertificates | None


class Front:
    """`routes_of(host)` gives the routes that serve a host. Counts are read by the worker's report."""

    def __init__(self, max_handshakes: int, routes_of: Callable[[str], Iterable[LiveRoute]]) -> None:
        self.max_handshakes = max_handshakes
        self.view = View()
        self.pending = 0  # handshakes in progress
        self.shaken = 0
        self.failed = 0
        self.refused = 0  # cut at the accept, too many being in progress
        self._routes_of = routes_of
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}
        self._fresh_until = 0.0

    def follow(self, view: View, routes: Iterable[LiveRoute]) -> None:
        """Serve from another view; contexts of what is gone go with it, connections stay."""
        self.view = view
        known = {pair.certificate.fingerprint for pair in view.pairs}
        self._contexts = {key: context for key, context in self._contexts.items() if key[0] in known}
        for route in routes:
            self.mark(route)

    def mark(self, route: LiveRoute) -> None:
        """Give a route the rule that holds for its host."""
        route.demand(self.view.client_rule(route.route.host) or route.route.policy.tls.clients)

    def choose(self, hello: Hello, now: float) -> Grant | int:
        """How this client is served, or the alert it gets. `now` is monotonic."""
        if hello.protocols and not any(each.decode("latin-1") in PROTOCOLS for each in hello.protocols):
            return NO_APPLICATION_PROTOCOL
        view = self.view
        pair = view.find(hello.name)
        if pair is None:
            return UNRECOGNIZED_NAME
        host, rule = self._rule(hello.name)
        if rule is None:
            return Grant(self._context(pair, now), hello.name.encode(), None)
        authority = view.authorities.get(rule.authority)
        if authority is None:
            return ACCESS_DENIED  # never "without": its authority is missing or broken
        return Grant(self._context(pair, now, host, rule, authority), hello.name.encode(), rule)

    def _rule(self, name: str) -> tuple[str, ClientCertificates | None]:
        """The host as its routes write it, and what its clients must show."""
        for route in self._routes_of(name):
            if route.clients is not None:
                return route.route.host, route.clients
        return name, self.view.client_rule(name)

    def _context(
        self, pair: Pair, now: float, host: str = "", rule: ClientCertificates | None = None, authority: bytes = b""
    ) -> ssl.SSLContext:
        if now >= self._fresh_until:
            self._contexts.clear()
            self._fresh_until = now + _TICKET_SECONDS
        required = rule is None or rule.required
        key = (pair.certificate.fingerprint, pair.origin, host, str(required), fingerprint(authority))
        context = self._contexts.get(key)
        if context is None:
            context = server_context(pair.chain, pair.key, authority, required=required)
            self._contexts[key] = context
        return context


def client_line(session: Any) -> bytes:
    """The field that tells a container who the client is, once verified; empty where it showed nothing."""
    der = session.getpeercert(binary_form=True)
    if not der:
        return b""
    parts = [f"{name}={_plain(value)}" for pairs in session.getpeercert().get("subject", ()) for name, value in pairs]
    line = f'X-Forwarded-Client-Cert: Hash={fingerprint(der)};Subject="{",".join(parts)}"\r\n'
    return line.encode()


def _plain(text: str) -> str:
    """What can stand inside the quotes: visible ASCII but for quotes, backslashes, commas and semicolons."""
    return "".join(each if " " <= each <= "~" and each not in '"\\,;' else "?" for each in text)[:256]
