from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.router import route, upstreams
from tidegate.errors import Reason
from tidegate.policy import Timeouts
from tidegate.router.assembly import Share, build_balancer
from tidegate.router.exchange import CLAIMED, DONE, HELD, NEW, RESPONDING, ROUTED, Exchange
from tidegate.router.live import LiveRoute


def live(candidates, **values):
    made = LiveRoute(route(**values))
    made.balance(build_balancer([Share(100, [(one, 1) for one in candidates])], 0))
    return made


def exchange():
    return Exchange(b"GET", b"a.test", b"/", b"127.0.0.1", 1.0)


class Exchanges(RuleBasedStateMachine):
    """Any order of the moves that the states allow keeps the claims right."""

    @initialize(number=st.integers(0, 4), hold=st.sampled_from([0.0, 5.0]))
    def begin(self, number, hold):
        self.upstreams = upstreams(number)
        self.exchange = exchange()
        self.route = live(self.upstreams, timeouts=Timeouts(hold=hold))
        self.now = 1.0
        self.gave_up = 0
        assert self.exchange.state == NEW

    def at(self, *states):
        return self.exchange.state in states

    @precondition(lambda self: self.at(NEW))
    @rule()
    def find_route(self):
        self.exchange.routed(self.route)
        assert self.at(ROUTED)

    @precondition(lambda self: self.at(ROUTED, HELD) and self.exchange.tries < 3)
    @rule()
    def choose(self):
        tried = list(self.exchange.tried or ())
        chosen = self.exchange.choose()
        assert (chosen is None) == (len(tried) == len(self.upstreams))
        assert chosen is None or (chosen not in tried and self.at(CLAIMED))

    @precondition(lambda self: self.at(ROUTED, HELD))
    @rule(seconds=st.floats(0.1, 3.0))
    def hold(self, seconds):
        waits = self.exchange.hold(self.now)
        assert waits == (self.now < self.exchange.hold_until)
        assert not waits or self.at(HELD)
        self.now += seconds

    @precondition(lambda self: self.at(CLAIMED))
    @rule(safe=st.booleans())
    def give_up(self, safe):
        again = self.exchange.give_up(safe)
        assert self.at(ROUTED)
        assert not again or (safe and self.exchange.tries < 3)

    @precondition(lambda self: self.at(CLAIMED))
    @rule(status=st.sampled_from([200, 404, 503]))
    def respond(self, status):
        self.exchange.responding(status, self.now)
        assert self.exchange.first_byte == self.now

    @precondition(lambda self: not self.at(DONE))
    @rule(reason=st.sampled_from([None, Reason.CLIENT_GONE]))
    def finish(self, reason):
        self.exchange.finish(reason)
        assert self.exchange.reason is reason

    @precondition(lambda self: self.at(DONE))
    @rule()
    def begin_another(self):
        self.exchange = exchange()

    @invariant()
    def claims_are_what_the_state_says(self):
        if hasattr(self, "exchange"):
            claims = sum(one.in_flight for one in self.upstreams)
            assert claims == (1 if self.at(CLAIMED, RESPONDING) else 0)
            assert all(one.in_flight >= 0 for one in self.upstreams)


TestExchanges = Exchanges.TestCase
TestExchanges.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_what_failed_is_not_chosen_again():
    candidates = upstreams(2)
    one = exchange()
    one.routed(live(candidates))
    first = one.choose()
    assert one.give_up(True)
    assert one.choose() is not first


def test_an_unsafe_exchange_is_not_tried_again():
    one = exchange()
    one.routed(live(upstreams(2)))
    one.choose()
    assert not one.give_up(False)


def test_holding_is_bounded_by_the_route_from_the_first_time_on():
    one = exchange()
    one.routed(live([], timeouts=Timeouts(hold=2.0)))
    assert one.hold(10.0)
    assert one.hold(11.9)
    assert not one.hold(12.0)
