"""What the admin API takes and gives for stacks, as types, and what is understood of it."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import Field
from typing_extensions import TypedDict

from tidegate.control.answers import Document, Why
from tidegate.control.api import Fields
from tidegate.control.refusal import Refused
from tidegate.errors import Problem
from tidegate.stacks.stack import Stack

MAX_SCALE = 1000


class StackBody(Fields):
    """What is wanted of a stack, as `tidegate up` understands it of a Compose file: services with everything interpolated and
    every file read. `source` is the file's text, for people; it is bounded by the body, as everything in it. `number` is that of the stack that was looked at before, so that
    nothing is put up over what somebody else put up meanwhile; 0: whatever is there."""

    stack: dict[str, Any]
    source: str = ""
    number: Annotated[int, Field(ge=0)] = 0
    why: Why = ""


class DownBody(Fields):
    """`volumes`: the stack's named volumes go with it, and what is in them."""

    volumes: bool = False
    why: Why = ""


class ScaleBody(Fields):
    """How many replicas are wanted from now on."""

    desired: Annotated[int, Field(ge=0, le=MAX_SCALE)]
    why: Why = ""


class LogsQuery(Fields):
    """Which lines: the last `tail` of each replica, of those since `since` (seconds since the epoch), and with `follow` all that come."""

    tail: Annotated[int, Field(ge=0, le=100_000)] = 100
    since: Annotated[float, Field(ge=0, lt=1e11)] = 0.0
    follow: bool = False


class SlotQuery(Fields):
    """Which slot; 0: the first that waits, else one more."""

    slot: Annotated[int, Field(ge=0, le=MAX_SCALE)] = 0


class StackList(TypedDict):
    """All stacks, in a few words each."""

    stacks: list[Document]


class Put(TypedDict):
    """What was put up, or would be: `number` 0 where nothing was changed. `warnings` tell what replicas do without here."""

    name: str
    number: int
    changes: list[Document]
    warnings: list[Document]


class Going(TypedDict):
    """A stack that leaves: what of it is there yet."""

    name: str
    replicas: int
    volumes: list[str]


class Scaled(TypedDict):
    """How many there were wanted before, and are now."""

    service: str
    before: int
    desired: int


def stack_of(name: str, body: StackBody) -> Stack:
    """The stack of a body. Raises Refused (T2103)."""
    try:
        stack = msgspec.convert(body.stack, Stack, strict=True)
    except msgspec.ValidationError as error:
        raise Refused(422, _not_understood(str(error))) from None
    if stack.name != name or not name:
        raise Refused(422, _not_understood(f"it is called {stack.name!r}, and was to be put up as {name!r}"))
    if not stack.members and not stack.outside:
        raise Refused(422, _not_understood("it has no services"))
    return stack


def _not_understood(cause: str) -> Problem:
    return Problem(
        code="T2103",
        text="the stack is not understood",
        place="/body/stack",
        cause=cause,
        mend="let tidegate up read the file: it and the server must be of one version",
        kept="nothing was changed",
    )
