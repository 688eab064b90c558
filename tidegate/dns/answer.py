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
AT_ONCE = 8  # variants that are made with the answer; most answers have no more


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


class Orders:
    """What is given in turn: turn n is of the set `turns[n]`, each time at that set's next rotation. Costs nothing but its
    round: an order is written out when it is asked for.

    A set's records are each first once in its rotations, up to `MAX_VARIANTS` of them. The round of turns is repeated until the
    rarest set has shown all its rotations, or the whole would become too long.
    """

    __slots__ = ("_round", "_sets", "_steps", "_times", "size")

    def __init__(self, sets: Sequence[Sequence[bytes]], turns: Sequence[int] = (0,)) -> None:
        self._sets = sets
        self._steps = [-(-len(records) // MAX_VARIANTS) or 1 for records in sets]
        self._times = [0] * len(sets)  # turns of each set in one round
        self._round = [(index, self._again(index)) for index in turns]
        rounds = max((-(-self._rotations(index) // self._times[index]) for index in set(turns)), default=1)
        self.size = len(turns) * min(rounds, MAX_ROUNDS)

    def place(self, turn: int) -> tuple[int, int]:
        """Set and rotation of a turn below `size`."""
        number, at = divmod(turn, len(self._round))
        index, before = self._round[at]
        return index, (number * self._times[index] + before) % self._rotations(index)

    def records(self, place: tuple[int, int]) -> Sequence[bytes]:
        """The records of one place, in their order."""
        index, rotation = place
        records = self._sets[index]
        start = rotation * self._steps[index]
        return (*records[start:], *records[:start]) if start else records

    def _rotations(self, index: int) -> int:
        return -(-len(self._sets[index]) // self._steps[index]) or 1

    def _again(self, index: int) -> int:
        """How often `index` has had a turn of this round; counts this one."""
        times = self._times[index]
        self._times[index] = times + 1
        return times


class Answer:
    """A prepared answer. `variants` are used in turn; those not made yet are None, and `missing` says how many. `views` is None
    where all askers get the same; else it maps a view's number to the answer that view gets, and this object itself is
    never sent."""

    __slots__ = (
        "additional",
        "authority",
        "ede",
        "made",
        "missing",
        "orders",
        "rcode",
        "tally",
        "turn",
        "variants",
        "views",
    )

    def __init__(self, tally: Tally, variants: Sequence[Variant | None], ede: int | None = None) -> None:
        self.tally = tally
        self.rcode = tally.rcode
        self.ede = ede
        self.authority: tuple[bytes, ...] = ()
        self.additional: tuple[bytes, ...] = ()
        self.variants = list(variants)
        self.missing = self.variants.count(None)
        self.orders: Orders | None = None  # while something is missing
        self.made: dict[tuple[int, int], Variant] = {}  # by place: one that is given often is kept once
        self.turn = 0
        self.views: dict[int, Answer] | None = None

    @property
    def first(self) -> Variant:
        """The variant of the first turn."""
        return self.variants[0] or self.make(0)

    @property
    def whole(self) -> list[Variant]:
        """All variants, where none is missing."""
        found = [variant for variant in self.variants if variant is not None]
        assert len(found) == len(self.variants), "whole where nothing is missing"
        return found

    def next(self) -> Variant:
        """The variant whose turn it is."""
        turn = self.turn
        self.turn = turn + 1 if turn + 1 < len(self.variants) else 0
        variant = self.variants[turn]
        return variant if variant is not None else self.make(turn)

    def make(self, turn: int) -> Variant:
        """The variant of a turn that has none yet."""
        assert self.orders is not None, "what is missing has its orders"
        place = self.orders.place(turn)
        variant = self.made.get(place)
        if variant is None:
            variant = self.made[place] = Variant(self.orders.records(place), (), self.additional)
        self.variants[turn] = variant
        self.missing -= 1
        if not self.missing:
            self.orders = None
            self.made.clear()
        return variant


def positive(tally: Tally, orders: Orders, additional: Sequence[bytes] = ()) -> Answer:
    """An answer with data. Where it has many variants, each is made when its turn comes: no question waits for them all."""
    answer = Answer(tally, [None] * orders.size)
    answer.orders = orders
    answer.additional = tuple(additional)
    if orders.size <= AT_ONCE:
        for turn in range(orders.size):
            answer.make(turn)
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


def respond(query: wire.Query, answer: Answer, ra: bool, room: int) -> bytes:
    """The reply to a parsed query, cut to `room`: the long way, for whatever the short cut does not take."""
    variant = answer.next()
    flags = (0 if answer.ede is not None else wire.FLAG_AA) | (wire.FLAG_RA if ra else 0)
    return wire.assemble(
        query, flags, answer.rcode, room, variant.records, answer.authority, answer.additional, answer.ede
    )
