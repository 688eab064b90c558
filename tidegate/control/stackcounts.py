"""How many replicas of a stack's services there shall be, for who scales them: what the book of stacks says, and a way to say
otherwise. Placing follows the book, and so does not know who said it."""

from __future__ import annotations

from tidegate.control.stackbook import StackBook
from tidegate.engine.spec import ContainerSpec
from tidegate.errors import Conflict, Problem
from tidegate.release.record import TIDEGATE
from tidegate.stacks.stack import Member, Scale


class StackCounts:
    """Of all services in `book` but those that run once on each node."""

    def __init__(self, book: StackBook) -> None:
        self._book = book

    def wanted(self, service: str) -> int | None:
        """The number; None for services of no stack."""
        member = self._member(service)
        if member is None:
            return None
        scale = self._book.scales.entries.get(service)
        return member.scale if scale is None else scale.desired

    def moving(self, service: str) -> str:
        """Why none of its replicas is to leave now: some are yet to be replaced by what the file says. Empty where that is not so."""
        member = self._member(service)
        if member is None:
            return ""
        places = (each for each in self._book.places.entries.values() if each.service == service and not each.leaving)
        old = sum(each.revision != member.config for each in places)
        return f"{old} of its replicas {'is' if old == 1 else 'are'} yet to be renewed" if old else ""

    async def want(self, service: str, before: int, number: int, why: str, when: float) -> None:
        """Store another number than `before`. Raises Conflict where somebody said one meanwhile, StoreError."""
        if self.wanted(service) != before:
            raise Conflict(_said_meanwhile(service, self.wanted(service)))
        await self._book.scales.commit({service: Scale(desired=number, who=TIDEGATE, when=when, why=why)})

    def templates(self) -> dict[str, ContainerSpec]:
        """What a replica of each service is made of, by service."""
        return {
            f"{stack.name}/{member.name}": member.template
            for stack in self._book.stacks.entries.values()
            for member in stack.members
            if not stack.leaving and not member.everywhere
        }

    def _member(self, service: str) -> Member | None:
        stack, _, name = service.rpartition("/")
        found = self._book.stacks.entries.get(stack)
        member = found.member(name) if found is not None else None
        return member if member is not None and not member.everywhere else None


def _said_meanwhile(service: str, number: int | None) -> Problem:
    wanted = "none of it is counted any more" if number is None else f"{number} of its replicas are wanted now"
    return Problem(
        code="T2100",
        text=f"somebody else said how many of {service} there shall be",
        place=service,
        cause=wanted,
        kept="what was said holds",
    )
