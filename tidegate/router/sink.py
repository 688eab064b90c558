"""Who takes the response of a container: what an upstream connection calls."""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.events import ResponseHead
from tidegate.router.link import Link
from tidegate.router.timers import Timed


class Sink(Timed):
    """Who takes a response: the calls an upstream connection makes, in the order they may come:
    `interim`* then `response_start`, (`response_data` | `response_encoded`)*, `response_end`; or `start_tunnel`; or, at
    any point, `upstream_lost` or `upstream_failed`, after which nothing follows. HTTP/2 streams will be sinks too."""

    __slots__ = ()

    def wants_bare_body(self) -> bool:
        """Whether the receiver cannot take chunks."""
        raise AssertionError

    def wants_tunnel(self) -> bool:
        """Whether the request asked for the upgrade that the container now accepts."""
        raise AssertionError

    def interim(self, head: ResponseHead) -> None:
        """A 1xx."""
        raise AssertionError

    def response_start(self, head: ResponseHead, body: bytes, size: int, now: float) -> None:
        """The head, and the part of a sized body that came with it."""
        raise AssertionError

    def response_data(self, data: bytes, size: int) -> None:
        """Body bytes, unframed."""
        raise AssertionError

    def response_encoded(self, data: bytes, size: int) -> None:
        """Body bytes in canonical chunks (bare if `wants_bare_body`), `size` of them content."""
        raise AssertionError

    def response_end(self, connection: Link, reusable: bool, now: float) -> None:
        """Complete."""
        raise AssertionError

    def upstream_lost(self, connection: Link, untouched: bool) -> None:
        """The connection broke; `untouched`: before any response byte."""
        raise AssertionError

    def upstream_failed(self, reason: Reason) -> None:
        """What came is not a response."""
        raise AssertionError

    def start_tunnel(self, connection: Link, head: ResponseHead, rest: bytes) -> None:
        """101 to the protocol that was asked for."""
        raise AssertionError

    def pause_reading_for_upstream(self) -> None:
        """The container reads slowly."""
        raise AssertionError

    def resume_reading_for_upstream(self) -> None:
        """The container caught up."""
        raise AssertionError
