"""A record as the store has it: JSON. What another version wrote and this one does not understand is begun anew: nothing that it
says has to be obeyed, and the periods fill again."""

from __future__ import annotations

from msgspec import DecodeError, json

from tidegate.scaling.record import Record


def written(record: Record) -> bytes:
    """The record for the store."""
    return json.encode(record)


def read(payload: bytes) -> Record:
    """The record in `payload`."""
    try:
        return json.decode(payload, type=Record)
    except DecodeError:
        return Record()
