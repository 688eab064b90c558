"""What a finished request costs beside its forwarding: counts and access record. `python -m bench.micro.account`.

Prints nanoseconds per request, compiled or not. Guards `router.core.Core.finished`, `router.accesslog.line`,
`router.counters.Counters.add`.
"""

import random
import timeit
from functools import partial

from bench.micro.parse_head import REQUEST
from tidegate.config import AccessLogConfig, HttpConfig
from tidegate.http1.events import Limits
from tidegate.http1.request import parse_request
from tidegate.model import Address, Endpoint, HealthState, Route
from tidegate.router import accesslog
from tidegate.router.core import Core
from tidegate.router.exchange import Exchange
from tidegate.router.live import LiveRoute
from tidegate.router.notes import Notes
from tidegate.router.observer import Observer
from tidegate.router.recorder import Recorder
from tidegate.router.trace import Tracer
from tidegate.router.upstream import Upstream

_STAMP = b"2026-11-22T12:00:00.5Z"


def finished_exchange(core: Core) -> Exchange:
    """A GET that was answered with 14 kB after 1.8 ms."""
    route = LiveRoute(Route(id="bench.test/", host="bench.test", path="/", backends=()), core.ledger)
    address = Address(host="127.0.0.1", port=9001)
    endpoint = Endpoint(
        id="4f1c2d3e4f5a:8080",
        instance="4f1c2d3e4f5a",
        name="web-1",
        service="shop/web",
        version="v1",
        address=address,
        port=8080,
        state=HealthState.HEALTHY,
    )
    upstream = Upstream(endpoint, address, lambda _: None, core.ledger)
    exchange = Exchange(b"GET", b"bench.test", b"/api/items/42?page=3&sort=name", b"127.0.0.1", 1000.0)
    exchange.agent = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    exchange.referer = b"https://bench.test/start"
    exchange.routed(route)
    exchange.upstream = upstream
    exchange.tries = 1
    exchange.sent_at = 1000.0001
    exchange.responding(200, 1000.0018)
    exchange.sent = 14000
    return exchange


class Spans(list):
    """Takes spans and forgets them."""

    def add(self, span) -> None:
        self[:] = [span]


def _special(rounds: int, repeats: int, kind: str) -> None:
    """What only those pay who ask for it."""
    exchange = finished_exchange(Core(HttpConfig()))
    exchange.notes = Notes(b"", b"HTTP/1.1")
    for name, config in (
        ("combined record", AccessLogConfig(format="combined")),
        ("JSON record, one parameter struck out", AccessLogConfig(redact_query=("token",))),
        ("1 % of good ones recorded", AccessLogConfig(sample=0.01)),
    ):
        recorder = Recorder(config, random.random)
        call = partial(recorder.record, exchange, _STAMP, 2000)
        cost = min(timeit.repeat(call, number=rounds, repeat=repeats)) / rounds
        print(f"{name}: {cost * 1e9:.0f} ns  ({kind})")
    for name, sample in (("request of a trace that is not recorded", 0.0), ("recorded span", 1.0)):
        tracer = Tracer(sample, random.getrandbits, random.random)
        observer = Observer(request_id="off", tracer=tracer, spans=Spans(), strike=None, bits=random.getrandbits)
        head = parse_request(REQUEST, 0, Limits())
        fields = head.fields

        def one(observer=observer, head=head, fields=fields) -> None:
            head.fields = fields
            observer.begin(exchange, head)
            observer.finished(exchange, 2000)

        print(
            f"{name}: {min(timeit.repeat(one, number=rounds, repeat=repeats // 10 or 1)) / rounds * 1e9:.0f} ns  ({kind})"
        )


def main(rounds: int = 0, repeats: int = 300) -> None:
    rounds = rounds or (2000 if accesslog.__file__.endswith(".so") else 200)
    kind = accesslog.__file__.rsplit(".", 1)[1]
    for name, path in (("counts and JSON record", "-"), ("counts alone", "")):
        core = Core(HttpConfig(access_log=path))
        core.stamp = _STAMP
        exchange = finished_exchange(core)

        def one(core=core, exchange=exchange) -> None:
            core.finished(exchange, 1000.002)
            core.lines.clear()

        print(f"{name}: {min(timeit.repeat(one, number=rounds, repeat=repeats)) / rounds * 1e9:.0f} ns  ({kind})")
    _special(rounds, repeats, kind)
    exchange = finished_exchange(core)
    cost = min(timeit.repeat(lambda: accesslog.line(exchange, _STAMP, 2000), number=rounds, repeat=repeats)) / rounds
    print(f"JSON record alone: {cost * 1e9:.0f} ns  ({kind})")


if __name__ == "__main__":
    main()
