"""What a worker would do with a request: asked by `explain`, answered by the code that serves requests, on a table of its own.

Nothing is decided here. The head is read by the parser, the route found by the matcher and its conditions, the connection
judged by the guard, the answer given by the filters, the endpoint picked by the route's selection; here they are called in
the order of `downstream` and what they said is put into words. Only what a worker learns from traffic is not known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tidegate.config import HttpConfig
from tidegate.errors import Reason
from tidegate.http1.events import RequestHead
from tidegate.http1.request import parse_request
from tidegate.matcher import HostEntry
from tidegate.model import Asked, Decision
from tidegate.policy import NO_SPLIT, Algorithm, Balance
from tidegate.router.arrangement import Arranger
from tidegate.router.core import Core
from tidegate.router.filters.answer import Answer, AskAuthority, Question
from tidegate.router.filters.ask import Ask
from tidegate.router.guard import REDIRECT, https_location, verdict
from tidegate.router.live import LiveRoute
from tidegate.router.routes import RouteBook
from tidegate.router.stickiness import Marker
from tidegate.routing import Delta, RoutingTable


class _Connection(NamedTuple):
    """What the guard looks at. A client that must show a certificate is taken to have shown a good one."""

    core: Core
    secure: bool
    trusted: bool
    rule: Any
    bound: bytes | None = None


class Decider:
    """`config` is the workers', `secure_port` that of their first HTTPS listener (0: none); `cookie_key` makes the values of
    sticky cookies."""

    def __init__(self, config: HttpConfig, cookie_key: bytes, secure_port: int = 0) -> None:
        self._core = Core(config)
        self._core.secure_port = secure_port
        self._arranger = Arranger(0, 1, Marker(cookie_key))

    def decide(self, table: RoutingTable, asked: Asked) -> Decision:
        """What becomes of the request. Costs a pass over all routes."""
        head = parse_request(_written(asked), 0, self._core.limits)
        if head is None or head.error is not None:
            reason = Reason.BAD_REQUEST if head is None or head.error is None else head.error
            return Decision(host=asked.authority, refused=_words(reason))
        book = self._book(table, head.host.decode())
        entry = book.matcher.host(head.host)
        if entry is None:
            return Decision(host=head.host.decode())
        found = book.matcher.match(head.host, head.path)
        paths, first = (entry.paths, entry.targets[0]) if isinstance(entry, HostEntry) else ((b"/",), entry)
        facts: dict[str, Any] = {
            "host": head.host.decode(),
            "pattern": first.route.host,
            "paths": tuple(path.decode() for path in paths),
        }
        if found is None:
            return Decision(**facts)
        facts["prefix"] = found.route.path
        if found.choice is not None:
            facts["weighed"] = tuple((live.id, lacking) for live, lacking in found.choice.weighed(head))
            found = found.choice.choose(head)
            if found is None:
                return Decision(**facts)
        return Decision(**facts, route=found.id, **self._treated(found, head, asked))

    def _book(self, table: RoutingTable, host: str) -> RouteBook:
        """A worker's view of the routes that may concern this host, and of the services behind them."""
        patterns = {host, "*." + host.partition(".")[2]}
        routes = {id_: route for id_, route in table.routes.items() if route.host in patterns}
        named = {backend.service for route in routes.values() for backend in route.backends}
        services = {key: table.services[key] for key in named if key in table.services}
        book = RouteBook(self._arranger, lambda _: None, lambda: 0.0)
        book.on_room = lambda _: None
        seen = RoutingTable(version=1, routes=routes, services=services)
        book.apply(seen, Delta(base=0, version=1, routes=dict(routes), services=dict(services)))
        return book

    def _treated(self, live: LiveRoute, head: RequestHead, asked: Asked) -> dict[str, Any]:
        client = asked.client.encode()
        trusted = self._core.trusts(client)
        if head.dot_segments and (live.prefixed or live.chain is not None):
            return {"answer": _words(Reason.BAD_REQUEST)}
        if live.guard:
            judged = verdict(_Connection(self._core, asked.secure, trusted, live.clients), live, head)
            if judged is REDIRECT:
                place = https_location(head, self._core.secure_port).decode()
                return {"answer": f"{301 if head.method in (b'GET', b'HEAD') else 308} to {place}"}
            if isinstance(judged, Reason):
                return {"answer": _words(judged)}
        if trusted and head.claimed_for:
            client = self._core.client_behind(head.claimed_for)
        said = self._filtered(live, head, client, trusted=trusted, secure=asked.secure)
        return said if "answer" in said else {**said, **_selected(live, head, client)}

    def _filtered(
        self, live: LiveRoute, head: RequestHead, client: bytes, *, trusted: bool, secure: bool
    ) -> dict[str, str]:
        if live.chain is None:
            return {}
        if head.length > live.body_limit:
            return {"answer": _words(Reason.BODY_TOO_LARGE)}
        before = head.target
        ask = Ask(head, client, secure or (trusted and head.claimed_proto == b"https"), 0.0)
        given = live.chain.request(ask)
        if isinstance(given, Answer):
            return {"answer": _answer(given)}
        if given is not None:
            return {"asks": _question(given)}
        if head.target == before:
            return {}
        return {"forwarded": f"{head.method.decode()} {head.target.decode()}"}


def _written(asked: Asked) -> bytes:
    """The request as a client would send it."""
    lines = "\r\n" + asked.lines
    host = "" if "\r\nhost:" in lines.lower() else f"Host: {asked.authority}\r\n"
    text = f"{asked.method} {asked.target} HTTP/1.1\r\n{host}{asked.lines}\r\n"
    return text.encode("latin-1", "replace")


def _selected(live: LiveRoute, head: RequestHead, client: bytes) -> dict[str, str]:
    """The endpoint that the request's key or cookie leads to; nothing where it is only the next one's turn."""
    selection = live.selection
    if selection is None:
        return {}
    key, mark = selection.key(head.fields, client), selection.mark(head.fields)
    if not key and mark is None:
        return {}
    upstream = selection.pick(None, key, mark)
    if upstream is None:
        return {}
    balance = live.route.policy.balance
    if mark is None or (selection.parted and key and selection.moved):
        chosen = _by_key(balance)
    elif selection.moved:
        chosen = f"of the version that cookie {balance.sticky_cookie} names, whose endpoint is not there"
    else:
        chosen = f"by cookie {balance.sticky_cookie}"
    return {"chosen": chosen, "endpoint": upstream.endpoint.id}


def _by_key(balance: Balance) -> str:
    if balance.split == NO_SPLIT:
        return f"by the hash of {balance.hash_key}"
    if balance.algorithm is Algorithm.HASH:
        return f"by the hash of {balance.split}"
    return f"next of the version that the hash of {balance.split} leads to"


def _words(reason: Reason) -> str:
    return f"{reason.status} {reason.token}"


def _answer(given: Answer) -> str:
    if given.reason is not None:
        return _words(given.reason)
    for line in given.lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"location":
            return f"{given.status} to {value.strip().decode('latin-1')}"
    return str(given.status)


def _question(given: Question) -> str:
    if isinstance(given, AskAuthority):
        return f"GET {given.url} decides whether the request goes on"
    return "the password is compared with the user's digest"
