"""What an agent does on its engine for one place, or for a stack that is over. Each deed done twice is done once."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.control.fetching import Fetching
from tidegate.control.grounds import Grounds
from tidegate.control.journal import Journal
from tidegate.engine.port import ContainerDetail, Engine
from tidegate.engine.process import ProcessEngine
from tidegate.engine.process_lacks import lacking
from tidegate.errors import EngineError, NoSuchThing, Problem
from tidegate.model import Address
from tidegate.placement.replica import Place
from tidegate.release.spec import Pull
from tidegate.stacks.naming import parts_of, place_key, spec_of
from tidegate.stacks.resolving import asking, resolvers
from tidegate.stacks.sharing import lent_to
from tidegate.stacks.stack import Stack
from tidegate.stacks.step import Deed, Next


class Deeds:
    """On one engine. `owner` is set when the store's name is known, before the first deed; `listeners` are those of our DNS."""

    def __init__(self, engine: Engine, journal: Journal) -> None:
        self._engine = engine
        self.owner = ""
        self.listeners: tuple[Address, ...] = ()
        self._journal = journal
        self.grounds = Grounds(engine)
        self.fetching = Fetching()
        self._told: set[str] = set()  # configurations of which it was told what a local process does without

    async def do(self, wanted: Next, place: Place, stack: Stack | None, container: ContainerDetail | None) -> None:
        """Raises what the engine does; what is gone already is well ended."""
        deed = wanted.deed
        if deed is Deed.MAKE:
            await self._make(place, stack, wanted.lenders)
            return
        assert container is not None, f"{deed} is for a container"
        try:
            if deed is Deed.START:
                await self._engine.start(container.id)
            elif deed is Deed.STOP:
                await self._engine.stop(container.id)
            else:
                await self._engine.remove(container.id)
        except NoSuchThing:
            return

    async def clear(self, stack: Stack) -> str:
        """Take away what was made for a stack beside its containers. Why that is not possible now; empty when it is done."""
        try:
            await self.grounds.clear(stack)
        except EngineError as error:
            return error.problems[0].text
        return ""

    async def _make(self, place: Place, stack: Stack | None, lenders: Mapping[str, str]) -> None:
        member = stack.member(parts_of(place.service)[1]) if stack is not None else None
        if stack is None or member is None:
            return  # it was taken away meanwhile
        await self._fetch(member.image, member.pull, f"{stack.name}#{stack.number}")
        await self.grounds.ensure(stack, member)
        spec = lent_to(spec_of(place, member, self.owner), lenders)
        if isinstance(self._engine, ProcessEngine) and member.config not in self._told:
            self._told.add(member.config)
            for problem in lacking(member.template):
                self._journal.tell("stack", problem.text)
        try:
            await self._engine.create(asking(spec, await self._resolvers()))
        except EngineError as error:
            if not await self._is_ours(spec.name, place.key):
                raise _named(error, spec.name) from error

    async def _resolvers(self) -> tuple[str, ...]:
        return resolvers(self.listeners, await self._engine.networks()) if self.listeners else ()

    async def _fetch(self, image: str, pull: Pull, whom: str) -> None:
        try:
            await self._engine.image(image)
        except NoSuchThing:
            if pull is not Pull.NEVER:
                self._journal.tell("stack", f"image {image} is fetched for {whom.partition('#')[0]}")
        await self.fetching.ensure(self._engine, image, pull, whom)

    async def _is_ours(self, name: str, key: str) -> bool:
        """Whether an earlier try of ours made the container of this name."""
        try:
            return place_key((await self._engine.inspect(name)).labels, self.owner) == key
        except NoSuchThing:
            return False


def _named(error: EngineError, name: str) -> EngineError:
    problem = error.problems[0]
    text = f"container {name} cannot be made: {problem.text}"
    return EngineError(Problem(code=problem.code, text=text, cause=problem.cause, mend=problem.mend, place=name))
