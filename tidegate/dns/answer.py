"""HOT: one prepared answer. Counted: every answer from our own zones; guarded by bench/micro/dns_answer.py.

An `Answer` is everything of a reply but id, flags and question: what remains per query is one choice of rotation and
one join of six byte strings.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.dns import wire
from tidegate.dns.tally import Tally

MAX_ROUNDS = 64
MAX_VARIANTS = 64  # rotations kept of one answer: 64 A records in every order are 64 KiB


class Variant:
    """One set and order of the records of an answer, as they go out: for the short cut whole, for truncation one by one."""

    __slots__ = ("counts", "counts_opt", "records", "tail")

    def __init__(self, records: Sequence[bytes], authority: Sequence[bytes], additional: Sequence[bytes]) -> None:
        self.records = tuple(records)
        self.tail = b"".join((*records, *authority, *additional))
        # QDCOUNT to ARCOUNT, as sent without an OPT record and with it
        head = b"\0\1" + len(records).to_bytes(2) + len(authority).to_bytes(2)
        self.counts = head + len(additional).to_bytes(2)
        self.counts_opt = head + (len(additional) + 1).to_bytes(2)


class Answer:
    """A prepared answer. `variants` are used in turn. `views` is None where all askers get the same; else it maps a
    view's number to the answer that view gets, and this object itself is never sent."""

    __slots__ = (
        "additional",
        "authority",
        "ede",
        "rcode",
        "tally",
        "turn",
        "variants",
        "views",
    )

    def __init__(self, tally: Tally, variants: Sequence[Variant], ede: int | None = None) -> None:
        self.tally = tally
        self.rcode = tally.rcode
        self.ede = ede
        self.authority: tuple[bytes, ...] = ()
        self.additional: tuple[bytes, ...] = ()
        self.variants = tuple(variants)
        self.turn = 0
        self.views: dict[int, Answer] | None = None

    def next(self) -> Variant:
        """The variant whose turn it is."""
        turn = self.turn
        self.turn = turn + 1 if turn + 1 < len(self.variants) else 0
        return self.variants[turn]


def positive(tally: Tally, orders: Sequence[Sequence[bytes]], additional: Sequence[bytes] = ()) -> Answer:
    """An answer with data: `orders` are the records to be given in turn. The same list again costs nothing."""
    made = {id(records): Variant(records, (), additional) for records in orders}
    answer = Answer(tally, [made[id(records)] for records in orders])
    answer.additional = tuple(additional)
    return answer


def negative(tally: Tally, soa: bytes) -> Answer:
    """NODATA or NXDOMAIN with the zone's SOA record in the authority section (RFC 2308)."""
    answer = Answer(tally, [Variant((), (soa,), ())])
    answer.authority = (soa,)
    return answer


def failure(tally: Tally, ede: int) -> Answer:
    """An answer that has only a code and an extended error."""
    return Answer(tally, [Variant((), (), ())], ede)


def by_view(tally: Tally) -> Answer:
    """The head of a family of answers that differ by view."""
    answer = Answer(tally, ())
    answer.views = {}
    return answer


def rotations(records: Sequence[bytes]) -> list[list[bytes]]:
    """The orders in which `records` are given in turn: each record is first once, up to `MAX_VARIANTS` of them."""
    step = -(-len(records) // MAX_VARIANTS) or 1
    return [[*records[start:], *records[:start]] for start in range(0, len(records), step)]


def interleaved(sets: Sequence[Sequence[list[bytes]]], turns: Sequence[int]) -> list[list[bytes]]:
    """The orders to give in turn where turn n is of set `turns[n]`; each time a set is at its next rotation.

    The round is repeated until the rarest set has shown all its rotations, or the round would become too long.
    """
    if len(sets) == 1:
        return list(sets[0])
    rounds = max((-(-len(each) // turns.count(index)) for index, each in enumerate(sets) if index in turns), default=1)
    used = [0] * len(sets)
    found = []
    for index in [*turns] * min(rounds, MAX_ROUNDS):
        found.append(sets[index][used[index] % len(sets[index])])
        used[index] += 1
    return found


def respond(query: wire.Query, answer: Answer, ra: bool, room: int) -> bytes:
    """The reply to a parsed query, cut to `room`: the long way, for whatever the short cut does not take."""
    variant = answer.next()
    flags = (0 if answer.ede is not None else wire.FLAG_AA) | (wire.FLAG_RA if ra else 0)
    return wire.assemble(
        query, flags, answer.rcode, room, variant.records, answer.authority, answer.additional, answer.ede
    )
