"""Transactions to an etcd cluster: carried out once, also where the answer is lost.

A transaction that compares anything carries a *marker*: a key of this caller's own, whose last revision it compares too and
which it writes. So it can be carried out once at most, however often and late its request arrives. Where the answer is
lost, the marker is *settled*: written over if it is as it was before. Either that succeeds, and the transaction did not happen and cannot
any more, so it is sent again; or the marker says that it happened, and at which revision. A marker serves one transaction at
a time; one whose outcome stayed unknown is not used again.

A transaction that compares nothing is sent again only where it surely was not carried out.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import StoreError
from tidegate.store import gateway
from tidegate.store.bounds import no_lease
from tidegate.store.faults import Missed
from tidegate.store.gateway import Body, KeyValue, TxnAnswer, Verdict
from tidegate.store.ground import Ground, epoch_key, session_key
from tidegate.store.port import Compare, Delete, Put
from tidegate.store.session import Session

_NOT_FOUND = 5


class EpochMoved(Exception):
    """The root this was meant for is not in force; nothing was written."""


class Marker:
    """A key of ours. `revision` is that of its last write, 0 while it was never written."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.revision = 0


class Committer:
    """All transactions of one store. `name` is unlike that of any other store object, ever."""

    def __init__(self, session: Session, prefix: bytes, name: str) -> None:
        self._session = session
        self._prefix = prefix
        self._folder = session_key(prefix, f"{name}/")
        self._free: list[Marker] = []
        self._made = 0
        self._sent = 0  # transactions with a marker

    async def commit(
        self, ground: Ground, compares: Sequence[Compare], operations: Sequence[Put | Delete]
    ) -> int | None:
        """Commit all or nothing; the revision after it, or None where a compare does not hold.

        Raises StoreError (T1521 where it may have been committed), EpochMoved.
        """
        conditions = [gateway.unchanged(epoch_key(ground.prefix), ground.revision)]
        conditions += [gateway.unchanged(ground.key(each.key), each.revision) for each in compares]
        writes = [_written(ground, each) for each in operations]
        async with self._session.call(writing=bool(writes)):
            try:
                if not writes:
                    return _verdict(ground, await self._send(conditions, [], again=True))
                if not compares:
                    return _verdict(ground, await self._send(conditions, writes, again=False))
                return await self._marked(ground, conditions, writes)
            except Missed as missed:
                _raise_for(operations, missed)
                raise

    async def forget(self) -> None:
        """Delete the markers of this store object."""
        body = gateway.ranged(self._folder, gateway.span(self._folder))
        if self._made:
            await self._session.ask("/v3/kv/deleterange", body, TxnAnswer, seconds=1.0)

    async def _send(self, conditions: list[Body], writes: list[Body], *, again: bool, also: bytes = b"") -> TxnAnswer:
        """`also` is a key to be read, besides the epoch's, where a compare does not hold."""
        read = [epoch_key(self._prefix), also] if also else [epoch_key(self._prefix)]
        body = gateway.transaction(conditions, writes, [gateway.read(gateway.ranged(key)) for key in read])
        ask = self._session.again if again else self._session.once
        return await ask("/v3/kv/txn", body, TxnAnswer)

    async def _marked(self, ground: Ground, conditions: list[Body], writes: list[Body]) -> int | None:
        marker = self._free.pop() if self._free else self._new()
        self._sent += 1
        word = b"%d" % self._sent
        while True:  # each turn another try that is known not to have happened; the call's deadline ends it
            guard = gateway.unchanged(marker.key, marker.revision)
            over = gateway.put(marker.key, word)
            try:
                answer = await self._send([*conditions, guard], [*writes, over], again=False, also=marker.key)
            except Missed as missed:
                if missed.verdict is Verdict.REFUSED:
                    self._free.append(marker)
                if missed.verdict is not Verdict.UNKNOWN:
                    raise
                if happened := await self._settle(marker, word):
                    self._free.append(marker)
                    return happened
                continue
            if answer.succeeded or _revision(answer, 1) == marker.revision:
                marker.revision = answer.header.revision if answer.succeeded else marker.revision
                self._free.append(marker)
                return _verdict(ground, answer)
            marker.revision = _revision(answer, 1)  # somebody swept it away

    async def _settle(self, marker: Marker, word: bytes) -> int:
        """The revision at which the transaction with this word happened; 0 where it did not, and now cannot any more."""
        guard = gateway.unchanged(marker.key, marker.revision)
        over = gateway.put(marker.key, b"not " + word)
        seen = gateway.read(gateway.ranged(marker.key))
        answer = await self._session.again("/v3/kv/txn", gateway.transaction([guard], [over], [seen]), TxnAnswer)
        if answer.succeeded:
            marker.revision = answer.header.revision
            return 0
        found = _read(answer, 0)
        marker.revision = found.mod_revision if found else 0
        return marker.revision if found and found.value == word else 0

    def _new(self) -> Marker:
        self._made += 1
        return Marker(self._folder + b"%d" % self._made)


def _written(ground: Ground, operation: Put | Delete) -> Body:
    key = ground.key(operation.key)
    if isinstance(operation, Put):
        return gateway.put(key, operation.value, operation.lease)
    return gateway.delete(key)


def _verdict(ground: Ground, answer: TxnAnswer) -> int | None:
    if not answer.succeeded and _revision(answer, 0) != ground.revision:
        raise EpochMoved
    return answer.header.revision if answer.succeeded else None


def _read(answer: TxnAnswer, place: int) -> KeyValue | None:
    """The key that the other branch read there."""
    found = answer.responses[place].response_range
    return found.kvs[0] if found and found.kvs else None


def _revision(answer: TxnAnswer, place: int) -> int:
    found = _read(answer, place)
    return found.mod_revision if found else 0


def _raise_for(operations: Sequence[Put | Delete], missed: Missed) -> None:
    """Raise StoreError where a refusal has to do with these operations."""
    leased = [each for each in operations if isinstance(each, Put) and each.lease]
    if missed.code == _NOT_FOUND and leased:
        raise StoreError(no_lease(leased[0])) from missed
