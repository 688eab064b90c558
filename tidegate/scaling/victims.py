"""Which copies leave when there are to be fewer: those that are missed least first."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.value import Value


class Copy(Value):
    """A replica that may be taken away. `in_flight` counts requests and open tunnels, `long_lived` those of them that do not end soon;
    `number` is that of its name."""

    id: str
    name: str
    number: int
    ready: bool = True
    leaving: bool = False
    in_flight: int = 0
    long_lived: int = 0
    created_at: float = 0.0


def victims(copies: Iterable[Copy], number: int) -> tuple[Copy, ...]:
    """`number` of them: who leaves already, who is not ready, who has no long-lived connections, who has the fewest requests in
    flight, the youngest, and of those made at one time the highest number."""
    return tuple(sorted(copies, key=_order)[: max(number, 0)])


def _order(copy: Copy) -> tuple[bool, bool, bool, int, float, int]:
    return (not copy.leaving, copy.ready, copy.long_lived > 0, copy.in_flight, -copy.created_at, -copy.number)
