"""A release asked for: planned, rehearsed on the engines, shown or begun."""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.control import targets
from tidegate.control.document import document
from tidegate.control.parts import Parts
from tidegate.control.planning import ALIVE, Ask, Scene, in_words, planned, revision
from tidegate.control.refusal import Refused
from tidegate.control.releasebodies import DeployBody, Planned, ask_of
from tidegate.control.releaseview import spec_document
from tidegate.control.sighting import members
from tidegate.errors import Conflict, Problem
from tidegate.model import ReleasePolicy
from tidegate.release.record import Release, begun
from tidegate.release.spec import Retire, Side, Spec
from tidegate.release.succession import admitted, remaining, reversal
from tidegate.release.verbs import By


class Deploying:
    """Plans and begins releases."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._releases = parts.releases

    async def deploy(self, service: str, body: DeployBody, by: By, *, dry_run: bool) -> Planned:
        """Begin the release that is asked for, or only show it. Raises what stands against it; then nothing was changed."""
        scene = self._scene(service)
        spec = planned(ask_of(service, body, self._policy(service, body, scene)), scene)
        admitted(self._releases.book.records, spec)
        self._unhindered(spec)
        self._not_stacked(spec)
        plan = revision(spec, scene.number)
        if body.revision and body.revision != plan:
            raise Refused(412, _outdated(service, body.revision, plan))
        release = begun(spec, scene.number, by.when, by.who, by.why)
        warnings = await self._parts.rehearsal.warnings(release) if spec.creates else ()
        if not dry_run:
            release = await self._begin(release)
        return Planned(
            service=service,
            number=0 if dry_run else release.number,
            dry_run=dry_run,
            revision=plan,
            plan=in_words(spec),
            spec=spec_document(spec),
            warnings=[document(each) for each in warnings],
        )

    async def undo(self, last: Release, by: By) -> Release:
        """Begin the release that undoes a complete one. Raises Conflict (T2002, T2004)."""
        number = self._releases.book.next_number(last.spec.service)
        seen = await self._releases.see(last)
        change = None
        if last.origin is not None and not remaining(last, seen):
            copies = [(each.node, each.id) for each in seen.candidate if each.alive]
            change = await self._parts.origins.undoing(last.origin, copies)
        return await self._releases.begin(reversal(last, seen, number, by, change))

    async def automatic(self, ask: Ask, why: str) -> Release:
        """Begin a release that the new version's own labels ask for."""
        scene = self._scene(ask.service)
        spec = planned(ask, scene)
        self._unhindered(spec)
        self._not_stacked(spec)
        return await self._begin(begun(spec, scene.number, time.time(), "tidegate", why))

    async def _begin(self, release: Release) -> Release:
        """Remember what the old side is, then begin."""
        there = members(self._parts.reconciler.inventories, release.spec.stable).values()
        origin = await self._parts.origins.of((each.provider, each.id) for each in there if each.state in ALIVE)
        return await self._releases.begin(replace(release, origin=origin))

    def _scene(self, service: str) -> Scene:
        reconciler = self._parts.reconciler
        return Scene(
            inventories=dict(reconciler.inventories),
            table=reconciler.table,
            engines=self._releases.engines,
            number=self._releases.book.next_number(service),
        )

    def _policy(self, service: str, body: DeployBody, scene: Scene) -> ReleasePolicy | None:
        """What the labels of the new version say, where it runs already."""
        side = Side(service=body.beside or service, version=body.version)
        found = members(scene.inventories, side).values() if body.version else ()
        return next((each.release for each in found if each.release is not None), None)

    def _not_stacked(self, spec: Spec) -> None:
        """Raises Conflict (T2108) where the release would make or take away containers that a stack's places say."""
        if not spec.creates and spec.retire is Retire.KEEP:
            return
        picture = self._parts.stacks.book.picture
        placed = {picture.report(place).container: place.service for place in picture.places.values()}
        sides = {**members(self._parts.reconciler.inventories, spec.stable)}
        sides |= members(self._parts.reconciler.inventories, spec.candidate)
        found = next((placed[container] for container in sides if container in placed), "")
        if found:
            raise Conflict(_stacked(spec.service, found.partition("/")[0]))

    def _unhindered(self, spec: Spec) -> None:
        """Raises Conflict (T2010) where an operator's weights for a host or route would go before those of the release."""
        table, overrides = self._parts.reconciler.table, self._parts.book.settings
        weighed = {each.target for each in overrides if each.kind == "weights"} - set(spec.targets)
        found = sorted(
            _above(spec, weighed, [route for target in spec.targets for route in targets.routes_of(table, target)])
        )
        if found:
            raise Conflict(
                Problem(
                    code="T2010",
                    text=f"weights are set for {', '.join(found)}, which go before those of a release of {spec.service}",
                    place=f"override weights/{found[0]}",
                    mend=f"take them away: tidegate shift {found[0]} --reset",
                    kept="nothing was changed",
                )
            )


def _above(spec: Spec, weighed: set[str], routes: Iterable[object]) -> set[str]:
    ids = {getattr(route, name) for route in routes for name in ("id", "host")}
    return weighed & (ids - {spec.service})


def _stacked(service: str, stack: str) -> Problem:
    return Problem(
        code="T2108",
        text=f"{service} belongs to stack {stack}, whose file says what runs",
        place=service,
        mend="change the image in the file, and run tidegate up",
        kept="nothing was changed",
    )


def _outdated(service: str, given: str, now: str) -> Problem:
    return Problem(
        code="T2009",
        text=f"the plan for {service} is not the one that was shown",
        place=service,
        cause=f"containers, weights or releases changed since: revision {given} was shown, it is {now} now",
        mend="look at the plan again",
        kept="nothing was changed",
    )
