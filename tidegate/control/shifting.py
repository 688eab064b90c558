"""`tidegate shift` where a release has a say in the weights: they are the release's to store, or nobody's to move now."""

from __future__ import annotations

import time

from aiohttp import web

from tidegate.control import guard, targets
from tidegate.control.answers import Changed, ChangeQuery, WeightsBody
from tidegate.control.changes import told
from tidegate.control.parts import Parts
from tidegate.control.writer import OverrideWriter
from tidegate.errors import Conflict, Problem
from tidegate.release import verbs
from tidegate.release.record import Release
from tidegate.release.seen import Seen
from tidegate.release.verbs import By


class ReleaseShift:
    """Moves weights through the release that governs them."""

    def __init__(self, parts: Parts, writer: OverrideWriter) -> None:
        self._parts = parts
        self._releases = parts.releases
        self._writer = writer

    async def put(self, request: web.Request, query: ChangeQuery, body: WeightsBody) -> Changed | None:
        """Set the weights if a release that has not ended governs the target; None if the operator's own are to be set. One
        that has ended gives way. Raises Conflict (T2002, T2003, T2010)."""
        self._refuse_beside(body.target)
        release = self._releases.governing(body.target)
        if release is None:
            return None
        by = By(who=guard.who(request), when=time.time(), why=body.why)
        if release.finished:
            if not query.dry_run:
                await self._releases.close(release, by)
            return None
        return await self._weigh(query, body, release, by)

    async def _weigh(self, query: ChangeQuery, body: WeightsBody, release: Release, by: By) -> Changed:
        reconciler = self._parts.reconciler

        def weighed(release: Release, seen: Seen) -> Release:
            return verbs.weigh(release, seen, by, body.weights)

        if not query.dry_run:
            before = reconciler.current
            await self._releases.say(release, weighed)
            return await self._writer.changed(query, body.target, before, 0)
        after = weighed(release, await self._releases.see(release))
        build = reconciler.preview(self._releases.with_record(after))
        return Changed(
            target=body.target,
            dry_run=True,
            version=reconciler.table.version,
            revision=0,
            applied=False,
            changes=[{"kind": each, "text": text} for each, text in told(reconciler.current, build)],
            warnings=[],
        )

    def _refuse_beside(self, target: str) -> None:
        """Weights of a host or route go before those of its service: a release would move weights that nobody follows."""
        table = self._parts.reconciler.table
        routes = {route.id for route in targets.routes_of(table, target)}
        for release in self._releases.book.records:
            theirs = {route.id for each in release.spec.targets for route in targets.routes_of(table, each)}
            if not release.finished and target not in release.spec.targets and routes & theirs:
                raise Conflict(
                    Problem(
                        code="T2010",
                        text=f"{release} moves the weights of {', '.join(sorted(routes & theirs))}",
                        place=target,
                        mend=f"shift {release.spec.targets[0]} while the release waits, or abort it",
                        kept="nothing was changed",
                    )
                )
