"""Following a stack until it is as it should be, or gone: what `up`, `scale` and `down` show meanwhile, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tidegate.cli import stack_words
from tidegate.cli.client import Admin, segment
from tidegate.cli.faults import Unreachable, WaitedTooLong
from tidegate.cli.output import note
from tidegate.cli.session import Session
from tidegate.errors import Conflict, NoSuchThing, Problem, StoreError, TidegateError

LOOK_SECONDS = 0.3
PATIENCE_SECONDS = 30.0  # that nobody answers: a reload takes less
STILL_SECONDS = 8.0  # in which nothing changes where replicas fail again and again: it will not end well by itself

Told = dict[str, Any]


def path_of(stack: str, rest: str = "") -> str:
    """Where the admin API has a stack."""
    return f"/v1/stacks/{segment(stack)}{rest}"


def follow(session: Session, admin: Admin, name: str, deadline_seconds: float) -> Told:
    """Wait until the stack is settled; how it stands then. Raises WaitedTooLong (T2111), TidegateError (T2114) where it does not
    get any further by itself, and Conflict (T2106) where somebody takes it down."""
    try:
        return _follow(session, admin, name, deadline_seconds, lambda told: told["state"] == stack_words.SETTLED)
    except NoSuchThing:
        raise _crossed(name, "it was taken down meanwhile") from None


def follow_down(session: Session, admin: Admin, name: str, deadline_seconds: float) -> None:
    """Wait until nothing of the stack is left. Raises WaitedTooLong (T2111), and Conflict (T2106) where somebody puts it up again."""
    try:
        _follow(session, admin, name, deadline_seconds, lambda _: False, leaving=True)
    except NoSuchThing:
        return


def _follow(
    session: Session,
    admin: Admin,
    name: str,
    deadline_seconds: float,
    over: Callable[[Told], bool],
    *,
    leaving: bool = False,
) -> Told:
    until = time.monotonic() + deadline_seconds
    lines = _Lines(session)
    try:
        while True:
            told = _look(admin, name)
            if (told["state"] == stack_words.LEAVING) != leaving:
                raise _crossed(name, f"{told['who']} {'puts it up' if leaving else 'takes it down'} meanwhile")
            lines.show(told)
            if over(told):
                return told
            now = time.monotonic()
            if stack_words.fails(told) and now - lines.changed_at >= STILL_SECONDS:
                raise _stuck(told)
            if now >= until:
                raise _too_long(told)
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        note(session, f"nobody waits any more; it goes on: tidegate show {name} tells how")
        raise


class _Lines:
    """A line for each change of a replica, and for each layer of an image that is there."""

    def __init__(self, session: Session) -> None:
        self.changed_at = time.monotonic()  # of the last line
        self._session = session
        self._said: dict[str, str] = {}

    def show(self, told: Told) -> None:
        """Write what is new."""
        for key, line in stack_words.standing(told).items():
            if self._said.get(key) != line:
                self._said[key] = line
                self.changed_at = time.monotonic()
                note(self._session, line)


def _look(admin: Admin, name: str) -> Told:
    """The stack as it stands; a daemon that is being replaced is waited for."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            found: Told = admin.get(path_of(name))
        except (Unreachable, StoreError):
            if time.monotonic() >= until:
                raise
            time.sleep(LOOK_SECONDS)
        else:
            return found


def _crossed(name: str, cause: str) -> Conflict:
    return Conflict(
        Problem(
            code="T2106",
            text=f"stack {name} is not the one that was waited for",
            place=name,
            cause=cause,
            mend="tidegate ls stacks tells which stacks there are",
            kept="what was said last holds",
        )
    )


def _too_long(told: Told) -> WaitedTooLong:
    return WaitedTooLong(
        Problem(
            code="T2111",
            text=f"{stack_words.title(told)}",
            cause="; ".join(stack_words.missing(told)),
            mend=f"tidegate show {told['name']} tells how it goes on; give it longer with --deadline",
            kept="it goes on",
            place=told["name"],
        )
    )


def _stuck(told: Told) -> TidegateError:
    return TidegateError(
        Problem(
            code="T2114",
            text=f"{stack_words.title(told)}, and it does not get any further by itself",
            cause="; ".join(stack_words.failing(told)),
            mend=f"mend what the cause says, and put it up again; tidegate logs {told['name']} shows what its replicas write",
            kept="it is tried again now and then; old replicas go on serving",
            place=told["name"],
        )
    )
