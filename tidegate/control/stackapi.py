"""The operations of the admin API on stacks: put one up, look at it, scale it, take it down, read what it says."""

from __future__ import annotations

import time
from collections.abc import Iterable

from aiohttp import web
from msgspec.structs import replace

from tidegate.control import guard
from tidegate.control.answers import Document, NoQuery
from tidegate.control.api import operation
from tidegate.control.document import document, problem_document
from tidegate.control.parts import Parts
from tidegate.control.stackbodies import (
    DownBody,
    Going,
    LogsQuery,
    Put,
    ScaleBody,
    Scaled,
    SlotQuery,
    StackBody,
    StackList,
    stack_of,
)
from tidegate.control.stackexplain import explain
from tidegate.control.stacklogs import Asked, stream
from tidegate.control.stackview import brief, shown
from tidegate.errors import Conflict, EngineUnreachable, NoSuchThing, Problem
from tidegate.stacks.changes import Change, changes
from tidegate.stacks.file import StackNetwork
from tidegate.stacks.picture import Picture
from tidegate.stacks.stack import Member, Scale, Stack
from tidegate.stacks.waiting import unawaited


class StackOperations:
    """What somebody says is in the store when they are answered; what follows from it is seen by GET."""

    def __init__(self, parts: Parts) -> None:
        self._stacks = parts.stacks
        self._book = parts.stacks.book

    @operation("GET", "/v1/stacks")
    async def stacks(self, query: NoQuery) -> StackList:  # noqa: ARG002  declares that there are no parameters
        """All stacks, in a few words each."""
        self._book.need_read()
        picture = self._book.picture
        return StackList(stacks=[brief(picture, picture.stacks[name]) for name in sorted(picture.stacks)])

    @operation("GET", "/v1/stacks/{stack}")
    async def stack(self, stack: str, query: NoQuery) -> Document:  # noqa: ARG002  as above
        """One stack: its services, how each of their replicas stands, and images on their way to this node."""
        known = self._book.stack(stack)
        images = {member.image for member in known.members}
        fetches = [document(each) for each in self._stacks.fetches if each.image in images]
        return {**shown(self._book.picture, known, self._stacks.placing.refusals), "fetches": fetches}

    @operation("POST", "/v1/stacks/{stack}/plan")
    async def plan_stack(self, stack: str, body: StackBody) -> Put:
        """What putting it up would change."""
        self._book.need_read()
        wanted = await self._stacks.latest(stack_of(stack, body))
        picture = self._book.picture
        return self._put(stack, 0, changes(picture, wanted), self._lacks(picture, wanted))

    @operation("PUT", "/v1/stacks/{stack}")
    async def put_stack(self, request: web.Request, stack: str, body: StackBody) -> Put:
        """Put a stack up, or change it to what is given: services not named any more go. Where nothing differs, nothing is written."""
        if self._stacks.agent is None:
            raise EngineUnreachable(_no_engine())
        self._book.need_read()
        wanted = await self._stacks.latest(stack_of(stack, body))
        picture = self._book.picture
        lacks = self._lacks(picture, wanted)
        known = picture.stacks.get(stack)
        if body.number and (known is None or known.number != body.number):
            raise Conflict(_overtaken(stack, known.number if known is not None else 0))
        found = changes(picture, wanted)
        if known is not None and not known.leaving and not found and _same(known, wanted):
            return self._put(stack, known.number, (), lacks)
        after = replace(
            wanted,
            source=body.source,
            former=_former(known, wanted) if known is not None else (),
            number=known.number + 1 if known is not None else 1,
            who=guard.who(request),
            when=time.time(),
            why=body.why,
        )
        outdated = [] if known is None else _rescaled(known, after)
        held = {key: None for key in outdated if key in picture.scales}
        if held:
            await self._book.scales.commit(held)
        await self._book.stacks.commit({stack: after})
        self._stacks.journal.tell(
            "stack", f"stack {stack} is put up, number {after.number}", who=after.who, why=body.why
        )
        return self._put(stack, after.number, found, lacks)

    def _lacks(self, picture: Picture, wanted: Stack) -> tuple[Problem, ...]:
        return (*self._stacks.lacks(wanted), *unawaited(picture, wanted))

    def _put(self, stack: str, number: int, found: Iterable[Change], lacks: Iterable[Problem]) -> Put:
        warnings = [problem_document(each) for each in lacks]
        return Put(name=stack, number=number, changes=[document(each) for each in found], warnings=warnings)

    @operation("DELETE", "/v1/stacks/{stack}")
    async def delete_stack(self, request: web.Request, stack: str, body: DownBody) -> Going:
        """Take a stack down: its replicas drain and go, those first that need others; then its networks, and its volumes if said."""
        known = self._book.stack(stack)
        who = guard.who(request)
        after = replace(
            known, leaving=True, volumes_too=body.volumes or known.volumes_too, who=who, when=time.time(), why=body.why
        )
        await self._book.stacks.commit({stack: after})
        self._stacks.journal.tell("stack", f"stack {stack} is taken down", who=who, why=body.why)
        return Going(
            name=stack,
            replicas=len(self._book.picture.within(stack)),
            volumes=list(known.own_volumes) if after.volumes_too else [],
        )

    @operation("POST", "/v1/stacks/{stack}/services/{service}/plan")
    async def plan_scale(self, stack: str, service: str, body: ScaleBody) -> Scaled:
        """What scaling a service would change."""
        return Scaled(service=f"{stack}/{service}", before=self._scalable(stack, service, body), desired=body.desired)

    @operation("PUT", "/v1/stacks/{stack}/services/{service}/scale")
    async def scale_service(self, request: web.Request, stack: str, service: str, body: ScaleBody) -> Scaled:
        """Say how many replicas of a service are wanted; it holds until the stack's file says another number."""
        before = self._scalable(stack, service, body)
        scale = Scale(desired=body.desired, who=guard.who(request), when=time.time(), why=body.why)
        await self._book.scales.commit({f"{stack}/{service}": scale})
        text = f"{stack}/{service} is scaled from {before} to {body.desired}"
        self._stacks.journal.tell("stack", text, who=scale.who, why=body.why)
        return Scaled(service=f"{stack}/{service}", before=before, desired=body.desired)

    @operation("GET", "/v1/stacks/{stack}/services/{service}/explain")
    async def explain_service(self, stack: str, service: str, query: SlotQuery) -> Document:
        """Where a replica of a service would go now and why: nodes by what excludes them, and the best of the others with all that counts."""
        known = self._book.stack(stack)
        member, nodes = self._member(known, service), self._stacks.nodes()
        held = self._stacks.held_by(f"{stack}/{service}")
        return explain(self._book.picture, known, member, nodes, query.slot, held)

    @operation("GET", "/v1/stacks/{stack}/services/{service}/logs")
    async def service_logs(
        self, request: web.Request, stack: str, service: str, query: LogsQuery
    ) -> web.StreamResponse:
        """What the replicas of a service wrote, on all nodes, in the order of time. One JSON object a line: `node`, `service`, `replica`
        (slot and generation), `stream`, `at`, `text`; one with `problem` names a node that does not tell (any more)."""
        self._member(self._book.stack(stack), service)
        return await self._told(request, f"{stack}/{service}", query)

    @operation("GET", "/v1/stacks/{stack}/logs")
    async def stack_logs(self, request: web.Request, stack: str, query: LogsQuery) -> web.StreamResponse:
        """The same of all services of a stack."""
        self._book.stack(stack)
        return await self._told(request, stack, query)

    async def _told(self, request: web.Request, service: str, query: LogsQuery) -> web.StreamResponse:
        asked = Asked(service=service, tail=query.tail, since=query.since, follow=query.follow)
        return await stream(request, lambda: self._stacks.sources(service), asked)

    def _scalable(self, stack: str, service: str, body: ScaleBody) -> int:
        """How many replicas are wanted before. Raises NoSuchThing, and Conflict (T2105, T2106) where it cannot be as many as `body` says."""
        known = self._book.stack(stack)
        member = self._member(known, service)
        if known.leaving:
            raise Conflict(_leaving(known))
        if member.everywhere or (member.container_name and body.desired > 1):
            raise Conflict(_fixed(known, member))
        return self._book.picture.desired(known, member)

    def _member(self, stack: Stack, name: str) -> Member:
        member = next((each for each in stack.members if each.name == name), None)
        if member is None:
            names = ", ".join(each.name for each in stack.members)
            raise NoSuchThing(
                Problem(
                    code="T2104",
                    text=f"stack {stack.name} has no service {name}",
                    place=stack.name,
                    mend=f"it has {names}",
                    kept="nothing was changed",
                )
            )
        return member


def _same(one: Stack, other: Stack) -> bool:
    """Also in how many replicas the file says: what somebody said holds until that is another number."""
    return (one.networks, one.volumes, one.members) == (other.networks, other.volumes, other.members)


def _former(before: Stack, after: Stack) -> tuple[StackNetwork, ...]:
    """Networks that were made for what was up before and are used no more."""
    kept = {each.name for each in after.networks}
    found = {each.name: each for each in (*before.former, *before.networks) if not each.external}
    return tuple(each for name, each in found.items() if name not in kept)


def _rescaled(before: Stack, after: Stack) -> list[str]:
    """Services whose number the file says anew; what was said by hand for them holds no longer."""
    known = {each.name: each.scale for each in before.members}
    return [f"{after.name}/{each.name}" for each in after.members if known.get(each.name) != each.scale]


def _fixed(stack: Stack, member: Member) -> Problem:
    cause = "it runs once on each node" if member.everywhere else f"its container is called {member.container_name}"
    return Problem(
        code="T2105",
        text=f"{stack.name}/{member.name} cannot be scaled",
        place=f"{stack.name}/{member.name}",
        cause=cause,
        mend="change the stack's file, and put it up again",
        kept="nothing was changed",
    )


def _leaving(stack: Stack) -> Problem:
    return Problem(
        code="T2106",
        text=f"stack {stack.name} is not to run any more",
        place=stack.name,
        cause=f"{stack.who or 'somebody'} takes it down",
        mend="put it up again: tidegate up",
        kept="nothing was changed",
    )


def _overtaken(stack: str, number: int) -> Problem:
    return Problem(
        code="T2106",
        text=f"stack {stack} is not the one that was looked at",
        place=stack,
        cause=f"it is number {number} now" if number else "it is not there any more",
        mend="look at the plan again",
        kept="nothing was changed",
    )


def _no_engine() -> Problem:
    return Problem(
        code="T2107",
        text="there is no engine here that could run a stack",
        cause="this Tidegate was started without one",
        mend="start it with --docker URL, or with --processes yes",
        kept="nothing was changed",
    )
