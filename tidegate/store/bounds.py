"""What no store takes, and what it says then: the same for every store, so that what works on one host works on many. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import Problem, StoreError
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Compare, Delete, Put


def check(compares: Sequence[Compare], operations: Sequence[Put | Delete]) -> None:
    """Raise StoreError (T1509, T1510) for what no store takes. Writing one key twice is the caller's bug."""
    keys = [operation.key for operation in operations]
    assert len(set(keys)) == len(keys), "one transaction writes a key once"
    for key in keys:
        if not key or not key.isascii() or not key.isprintable():
            raise StoreError(_bad_key(key))
    size = sum(len(operation.value) for operation in operations if isinstance(operation, Put))
    if len(operations) > MAX_OPERATIONS or len(compares) > MAX_OPERATIONS or size > MAX_BYTES:
        raise StoreError(_too_large(len(operations), len(compares), size))


def no_lease(put: Put) -> Problem:
    """What is put hangs on a lease that is not there."""
    return Problem(
        code="T1507",
        text=f"`{put.key}` cannot be put on lease {put.lease}: it has ended",
        cause="it was not kept in time, or was revoked",
        mend="grant a new lease",
        kept="nothing was written",
    )


def full(cause: str) -> Problem:
    """As many calls wait as may."""
    return Problem(
        code="T1511",
        text="the store takes no more calls",
        cause=cause,
        mend="try again later",
        kept="nothing was written; traffic goes on",
    )


def _bad_key(key: str) -> Problem:
    return Problem(
        code="T1509",
        text=f"{key!r} cannot be a key of the store",
        cause="keys are printable ASCII and not empty",
        mend="use a name of ASCII letters, digits and punctuation",
        kept="nothing was written",
    )


def _too_large(operations: int, compares: int, size: int) -> Problem:
    return Problem(
        code="T1510",
        text=f"a transaction of {operations} operations, {compares} compares and {size} bytes is too large",
        cause=f"at most {MAX_OPERATIONS} operations, {MAX_OPERATIONS} compares and {MAX_BYTES} bytes fit in one",
        mend="split it",
        kept="nothing was written",
    )
