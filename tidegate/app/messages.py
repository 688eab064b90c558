"""What control and workers say to each other: msgpack frames with a four-byte length before each.

Control sends a `Snapshot` first, then a `Delta` per published table. A worker says `Hello` first, then `Applied` per
version, `Report` once a second, and facts as they happen. Nothing is sent per request.
"""

from __future__ import annotations

from msgspec import Raw, Struct, msgpack

from tidegate.routing import Delta


class Message(Struct, frozen=True, kw_only=True, tag=True):
    """Base of all messages; the wire carries the class name as tag."""


class Hello(Message, frozen=True):
    """A worker's first words; `version` is the table it has (0: none)."""

    slot: int
    pid: int
    version: int


class Applied(Message, frozen=True):
    """The worker routes by this version now."""

    version: int


class Failed(Message, frozen=True):
    """A passive health fact: an endpoint did not take a connection or broke one."""

    endpoint: str
    reason: str


class Drained(Message, frozen=True):
    """Nothing is in flight to this draining endpoint in this worker any more."""

    endpoint: str


class Sample(Struct, frozen=True, array_like=True):
    """Growth of one counter (or the value of one gauge) since the last report; `labels` are (name, value) pairs."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Tally(Struct, frozen=True, array_like=True, gc=False):
    """What one route or endpoint counted; `columns` as `router.counters.Counters.take` gives them, `key` are its label values.

    There may be ten thousand in a report: the collector is not to walk them."""

    kind: str
    key: tuple[str, ...]
    columns: bytes


class Spread(Struct, frozen=True, array_like=True):
    """Growth of one histogram since the last report: counts per bucket, the last above all `bounds`, and the sum."""

    name: str
    labels: tuple[tuple[str, str], ...]
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Columns(Struct, frozen=True, array_like=True):
    """Numbers of one route or endpoint: how many requests it has in flight, of an endpoint also (as kind `lasting`) how many of those do
    not end soon; or how often it failed, with the reason at the end of `key`. `key` are its label values."""

    kind: str
    key: tuple[str, ...]
    values: tuple[int, ...]


class Ejected(Struct, frozen=True, array_like=True):
    """An endpoint that gets nothing from this worker for `seconds` more; 0 where it only waits for its trial."""

    endpoint: str
    seconds: float


class Report(Message, frozen=True):
    """What a worker counted in the last second. `gauges`, `in_flight` and `ejected` are what is so now, and all of it (of
    `ejected` the first thousand). `ejections` are how many there were, by endpoint."""

    pid: int = 0
    counters: tuple[Sample, ...] = ()
    spreads: tuple[Spread, ...] = ()
    gauges: tuple[Sample, ...] = ()
    counted: tuple[Tally, ...] = ()
    in_flight: tuple[Columns, ...] = ()
    failures: tuple[Columns, ...] = ()
    ejections: tuple[Columns, ...] = ()
    ejected: tuple[Ejected, ...] = ()


class Snapshot(Message, frozen=True):
    """A whole table, encoded by `routing.encode_table`."""

    table: bytes


class Change(Message, frozen=True):
    """One published difference, encoded once for all workers."""

    delta: Raw


FromWorker = Hello | Applied | Failed | Drained | Report
FromControl = Snapshot | Change

MAX_FRAME = 256 << 20
_ENCODER = msgpack.Encoder()
_FROM_WORKER: msgpack.Decoder[FromWorker] = msgpack.Decoder(FromWorker)
_FROM_CONTROL: msgpack.Decoder[FromControl] = msgpack.Decoder(FromControl)
_DELTA: msgpack.Decoder[Delta] = msgpack.Decoder(Delta)


def frame(message: Message) -> bytes:
    """The message with its length before it, ready to be written."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(4, "big") + body


def change(delta: Delta) -> Change:
    """The message that carries `delta`."""
    return Change(delta=Raw(_ENCODER.encode(delta)))


def delta_of(message: Change) -> Delta:
    """The delta that `change` wrapped."""
    return _DELTA.decode(message.delta)


def from_worker(body: bytes) -> FromWorker:
    """Decode what a worker sent. Raises msgspec's DecodeError for anything else."""
    return _FROM_WORKER.decode(body)


def from_control(body: bytes) -> FromControl:
    """Decode what control sent. Raises msgspec's DecodeError for anything else."""
    return _FROM_CONTROL.decode(body)
