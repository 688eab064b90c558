"""The operations of the admin API on quotas: what the services of an account may set aside together, and what they do."""

from __future__ import annotations

import time
from typing import Annotated

from aiohttp import web
from pydantic import Field
from typing_extensions import TypedDict

from tidegate.control import guard
from tidegate.control.answers import Document, NoQuery, Why
from tidegate.control.api import Fields, operation
from tidegate.control.parts import Parts
from tidegate.control.refusal import Refused
from tidegate.errors import NoSuchThing, Problem
from tidegate.placement.resources import NOTHING, Resources
from tidegate.placement.saying import amounts
from tidegate.stacks.extensions import is_account
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Allowance


class QuotaBody(Fields):
    """What is allowed from now on, of all of it: cores, bytes, replicas; 0 is no limit."""

    cpus: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    memory: Annotated[int, Field(ge=0, le=1 << 60)] = 0
    replicas: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    why: Why = ""


class QuotaEnd(Fields):
    """No limit any more."""

    why: Why = ""


class Quotas(TypedDict):
    """All accounts that have a quota, or replicas."""

    quotas: list[Document]


class QuotaOperations:
    """An account is one by being named: a stack's services count to the stack's own, unless a label names another."""

    def __init__(self, parts: Parts) -> None:
        self._book = parts.stacks.book
        self._journal = parts.journal

    @operation("GET", "/v1/quotas")
    async def quotas(self, query: NoQuery) -> Quotas:  # noqa: ARG002  declares that there are no parameters
        """What each account may set aside, and what its replicas do."""
        picture = self._book.picture
        used = {place.account for place in picture.places.values() if place.account}
        return Quotas(quotas=[shown(picture, account) for account in sorted(used | picture.quotas.keys())])

    @operation("PUT", "/v1/quotas/{account}")
    async def put_quota(self, request: web.Request, account: str, body: QuotaBody) -> Document:
        """Say what an account may set aside. What runs stays; replicas beyond it are not placed."""
        if not is_account(account):
            raise Refused(422, _no_account(account))
        who = guard.who(request)
        allowed = Allowance(
            cpus=body.cpus, memory=body.memory, replicas=body.replicas, who=who, when=time.time(), why=body.why
        )
        await self._book.quotas.commit({account: allowed})
        said = amounts(Resources(cpu=body.cpus, memory=body.memory), body.replicas) or "anything"
        self._journal.tell("quota", f"{account} may set aside {said}", who=who, why=body.why)
        return shown(self._book.picture, account)

    @operation("DELETE", "/v1/quotas/{account}")
    async def delete_quota(self, request: web.Request, account: str, body: QuotaEnd) -> Document:
        """Let an account set aside what it wants."""
        if account not in self._book.quotas.entries:
            raise NoSuchThing(_no_quota(account, sorted(self._book.quotas.entries)))
        await self._book.quotas.commit({account: None})
        self._journal.tell("quota", f"{account} has no quota any more", who=guard.who(request), why=body.why)
        return shown(self._book.picture, account)


def shown(picture: Picture, account: str) -> Document:
    """One account. Of what is not limited 0 is allowed."""
    places = [place for place in picture.places.values() if place.account == account]
    used = sum((place.reservation for place in places), NOTHING)
    allowed = picture.quotas.get(account, Allowance())
    return {
        "account": account,
        "limited": account in picture.quotas,
        "allowed": {"cpus": allowed.cpus, "memory": allowed.memory, "replicas": allowed.replicas},
        "used": {"cpus": round(used.cpu, 6), "memory": used.memory, "replicas": len(places)},
        "who": allowed.who,
        "when": allowed.when,
        "why": allowed.why,
    }


def _no_account(account: str) -> Problem:
    return Problem(
        code="T2120",
        text=f"{account!r} cannot be an account's name",
        place="/path/account",
        mend="use letters, digits and _ . -, beginning with a letter or digit, 64 at most",
        kept="nothing was changed",
    )


def _no_quota(account: str, known: list[str]) -> Problem:
    return Problem(
        code="T2121",
        text=f"{account} has no quota",
        place=account,
        mend=f"there are quotas of {', '.join(known)}" if known else "no account has one",
        kept="nothing was changed",
    )
