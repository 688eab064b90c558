"""What a request passes before it is sent on its way: the guard of its route, then the filters."""

from __future__ import annotations

from functools import partial

from tidegate.errors import Reason
from tidegate.http1.writer import respond
from tidegate.router.attempts import Attempts
from tidegate.router.exchange import HELD, Exchange
from tidegate.router.filters.answer import Answer, Question
from tidegate.router.filters.ask import Ask
from tidegate.router.filters.chain import Chain
from tidegate.router.guard import https_location, verdict
from tidegate.router.live import LiveRoute

_HELD = HELD

_ENQUIRY_SECONDS = 60.0  # an enquiry has a shorter deadline of its own


class Entry(Attempts):
    """The part of a turn that may refuse, answer or suspend a request."""

    __slots__ = ()

    def admitted(self, route: LiveRoute) -> bool:
        """Whether this connection may carry the request; else it has been answered. Asked where there is a rule."""
        exchange = self.exchange
        head = self.head
        assert exchange is not None and head is not None, "a request is admitted, or not"
        found = verdict(self, route, head)
        if found is None:
            return True
        if isinstance(found, Reason):
            self.fail(found)
            return False
        exchange.status = 301 if head.method in (b"GET", b"HEAD") else 308
        line = b"Location: %b\r\n" % https_location(head, self.core.secure_port)
        self._conclude(None, respond(exchange.status, self._told(exchange, line), b"", *self._manner(exchange)))
        return False

    def admit(self, now: float) -> None:
        """Run the filters of the route; what they let pass is dispatched."""
        head = self.head
        assert head is not None, "filters look at a head"
        client = self.client
        if self.trusted and head.claimed_for:
            client = self.core.client_behind(head.claimed_for)
        chain: Chain = self.chain
        secure = self.secure or (self.trusted and head.claimed_proto == b"https")
        ask = Ask(head, client, secure, now)
        self._follow(chain, ask, chain.request(ask))

    def _follow(self, chain: Chain, ask: Ask, verdict: Answer | Question | None) -> None:
        if verdict is None:
            self.dispatch(self.core.clock())
        elif isinstance(verdict, Answer):
            self.reply(verdict)
        else:
            self.core.wheel.arm(self, self.core.clock() + _ENQUIRY_SECONDS)
            exchange = self.exchange
            assert exchange is not None, "filters run for an exchange"
            self.core.enquire(self, verdict, partial(self.enquired, exchange, chain, ask))

    def enquired(self, exchange: Exchange, chain: Chain, ask: Ask, outcome: object) -> None:
        """What a filter asked outside came back; the exchange may be over, or its route gone."""
        if self.exchange is not exchange or self.closed:
            return
        if self.core.find_route(exchange.route.id) is None:
            self.fail(Reason.NO_ROUTE)
            return
        self._follow(chain, ask, chain.conclude(ask, outcome))

    def reply(self, given: Answer) -> None:
        """A filter answers in the container's place."""
        exchange = self.exchange
        assert exchange is not None, "only an exchange is answered"
        if given.reason is not None and given.reason.status == given.status and not given.body:
            self.fail(given.reason, given.lines)
            return
        exchange.status = given.status
        lines = self._told(exchange, given.lines)
        self._conclude(given.reason, respond(given.status, lines, given.body, *self._manner(exchange)))

    def wake(self) -> None:
        """The table changed, or time passed: choose again. Called only on members of a waiting queue, once each."""
        exchange = self.exchange
        if self.closed or exchange is None or exchange.state != _HELD:
            return
        route = self.core.find_route(exchange.route.id)
        if route is None:
            self.fail(Reason.NO_ROUTE)
            return
        exchange.moved_to(route)
        if (not route.guard and self.bound is None) or self.admitted(route):
            self.dispatch(self.core.clock())
