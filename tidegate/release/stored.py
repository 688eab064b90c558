"""A record as the store has it: JSON, read also where a later version of the program wrote it."""

from __future__ import annotations

from msgspec import DecodeError, json

from tidegate.errors import Problem
from tidegate.release.record import Release


def written(release: Release) -> bytes:
    """The record for the store."""
    return json.encode(release)


def read(payload: bytes, place: str) -> Release | Problem:
    """The record in `payload`, or why it is not understood (T2006); `place` is its store key. Fields that are not known here
    are passed over; a strategy, a state or a gate that is not known here is not guessed at."""
    try:
        release = json.decode(payload, type=Release)
    except DecodeError as error:  # msgspec's error for a wrong type is one of these
        return _unread(place, str(error))
    if not release.spec.steps or release.step >= len(release.spec.steps) or not release.history:
        return _unread(place, "it has no such step, or no beginning")
    return release


def _unread(place: str, cause: str) -> Problem:
    return Problem(
        code="T2006",
        text="a release is not understood",
        place=place,
        cause=f"{cause}; another version of the program wrote it, or the store was written by hand",
        mend="go back to the version that wrote it",
        kept="it stays in the store as it is; nothing is done for it, and its weights are those of labels and overrides",
    )
