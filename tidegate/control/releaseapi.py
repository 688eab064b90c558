"""The operations of the admin API on releases: ask for one, look at it, say how it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from tidegate.control import guard
from tidegate.control.answers import Document, NoQuery
from tidegate.control.api import operation
from tidegate.control.deploying import Deploying
from tidegate.control.document import document
from tidegate.control.parts import Parts
from tidegate.control.releasebodies import (
    DeployBody,
    Planned,
    PlanQuery,
    PromoteBody,
    ReleaseList,
    SayBody,
    ServiceReleases,
    ShiftBody,
    Told,
)
from tidegate.control.releaseview import brief, seen_document, shown
from tidegate.release import verbs
from tidegate.release.record import Release
from tidegate.release.seen import Seen
from tidegate.release.verbs import By


class ReleaseOperations:
    """A service is written in the path as it is, with its slash."""

    def __init__(self, parts: Parts) -> None:
        self._releases = parts.releases
        self._deploying = Deploying(parts)

    @operation("GET", "/v1/releases")
    async def releases(self, query: NoQuery) -> ReleaseList:  # noqa: ARG002  declares that there are no parameters
        """All releases that are remembered, in a few words each."""
        found = sorted(
            self._releases.book.records, key=lambda each: (each.finished, -each.history[0].when, each.spec.service)
        )
        return ReleaseList(releases=[brief(each) for each in found])

    @operation("GET", "/v1/releases/{service:.*}")
    async def release(self, service: str, query: NoQuery) -> ServiceReleases:  # noqa: ARG002  as above
        """The newest release of a service: its record, what is seen of it, what the gates say; and the earlier ones."""
        last = self._releases.book.last(service)
        earlier = [each for each in self._releases.book.of(service) if each is not last]
        return ServiceReleases(
            service=service, current=await self._told(last), earlier=[shown(each) for each in reversed(earlier)]
        )

    @operation("POST", "/v1/releases/{service:.*}/promote")
    async def promote(self, request: web.Request, service: str, body: PromoteBody) -> Told:
        """Skip what the release waits for: a hold, or a confirmation; with `full` all of them."""
        return await self._say(
            request,
            service,
            body.why,
            lambda release, seen, by: verbs.promote(release, seen, by, full=body.full, keep=body.keep),
        )

    @operation("POST", "/v1/releases/{service:.*}/pause")
    async def pause(self, request: web.Request, service: str, body: SayBody) -> Told:
        """Stay where it is until it is resumed."""
        return await self._say(request, service, body.why, verbs.pause)

    @operation("POST", "/v1/releases/{service:.*}/resume")
    async def resume(self, request: web.Request, service: str, body: SayBody) -> Told:
        """Go on where it was paused."""
        return await self._say(request, service, body.why, verbs.resume)

    @operation("POST", "/v1/releases/{service:.*}/abort")
    async def abort(self, request: web.Request, service: str, body: SayBody) -> Told:
        """Let the old side take over again."""
        return await self._say(request, service, body.why, verbs.abort)

    @operation("POST", "/v1/releases/{service:.*}/weights")
    async def weights(self, request: web.Request, service: str, body: ShiftBody) -> Told:
        """Set the weights of both sides by hand, while the release waits for a person."""
        return await self._say(
            request, service, body.why, lambda release, seen, by: verbs.weigh(release, seen, by, body.weights)
        )

    @operation("POST", "/v1/releases/{service:.*}/rollback")
    async def rollback(self, request: web.Request, service: str, body: SayBody) -> Told:
        """Undo the last release: one that goes on is aborted, a complete one is followed by one towards its old side."""
        last = self._releases.book.last(service)
        if not last.finished:
            return await self._say(request, service, body.why, verbs.abort)
        return await self._told(await self._deploying.undo(last, _by(request, body.why)))

    @operation("POST", "/v1/releases/{service:.*}")
    async def deploy(self, request: web.Request, service: str, query: PlanQuery, body: DeployBody) -> Planned:
        """Put another version in the place of what serves now; with `dry_run` only the plan is shown."""
        return await self._deploying.deploy(service, body, _by(request, body.why), dry_run=query.dry_run)

    async def _say(
        self, request: web.Request, service: str, why: str, verb: Callable[[Release, Seen, By], Release]
    ) -> Told:
        by = _by(request, why)
        last = self._releases.book.last(service)
        return await self._told(await self._releases.say(last, lambda release, seen: verb(release, seen, by)))

    async def _told(self, release: Release) -> Told:
        seen: Document = seen_document(release, await self._releases.see(release), time.time())
        return Told(
            service=release.spec.service,
            number=release.number,
            state=release.state.value,
            summary=brief(release)["summary"],
            release=shown(release),
            seen=document(seen),
        )


def _by(request: web.Request, why: str) -> By:
    return By(who=guard.who(request), when=time.time(), why=why)
