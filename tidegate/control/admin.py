"""The operations of the admin API: read what is, explain why, change overrides."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from aiohttp import web

from tidegate import __version__
from tidegate.building.sayings import said_of
from tidegate.control import guard, targets
from tidegate.control.answers import (
    Carried,
    Certificates,
    Changed,
    ChangeQuery,
    Document,
    DrainBody,
    Endpoints,
    Events,
    EventsQuery,
    Explained,
    ExplainQuery,
    ModeBody,
    Nodes,
    NoQuery,
    Problems,
    ResolveQuery,
    Routes,
    Services,
    Status,
    TargetBody,
    TrafficQuery,
    WeightsBody,
)
from tidegate.control.api import operation
from tidegate.control.document import document
from tidegate.control.explain import container_names, explain_container, explain_service, explain_url, near
from tidegate.control.nodeview import shown
from tidegate.control.parts import Parts
from tidegate.control.refusal import Refused
from tidegate.control.releaseview import summary
from tidegate.control.scalingapi import brief, sentences
from tidegate.control.shifting import ReleaseShift
from tidegate.control.stream import EventStream
from tidegate.control.traffic import LABELS
from tidegate.control.usage import usage
from tidegate.control.writer import OverrideWriter
from tidegate.errors import NoSuchThing, Problem
from tidegate.model import Asked, Endpoint, Route

_AS_SENT = "".join(map(chr, range(33, 127)))  # a client escapes the rest


class Look:
    """Reading operations."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stream = EventStream(parts.journal, parts.reconciler)

    @operation("GET", "/v1/status")
    async def status(self, query: NoQuery) -> Status:  # noqa: ARG002  declares that there are no parameters
        """What runs, and whether it is well."""
        reconciler = self._parts.reconciler
        table = reconciler.table
        return Status(
            version=__version__,
            uptime_seconds=round(time.monotonic() - self._parts.started, 3),
            node=self._parts.node,
            ready=not reconciler.waiting_for,
            waiting_for=sorted(reconciler.waiting_for),
            table_version=table.version,
            services=len(table.services),
            routes=len(table.routes),
            endpoints=len(reconciler.current.checks),
            problems=len(reconciler.problems),
            providers=[
                {"name": name, "version": inventory.version, "stale": inventory.stale}
                for name, inventory in sorted(reconciler.inventories.items())
            ],
            workers=document(list(self._parts.status.workers())),
            overrides=document(self._parts.book.settings),
            cluster=dict(self._parts.others.standing()),
        )

    @operation("GET", "/v1/certificates")
    async def certificates(self, query: NoQuery) -> Certificates:  # noqa: ARG002  as above
        """All certificates that are good now, the one that ends first on top."""
        return Certificates(certificates=self._parts.certificates())

    @operation("GET", "/v1/services")
    async def services(self, query: NoQuery) -> Services:  # noqa: ARG002  as above
        """All services with their endpoints."""
        table = self._parts.reconciler.table
        return Services(services=[document(table.services[key]) for key in sorted(table.services)])

    @operation("GET", "/v1/services/{key:.*}")
    async def service(self, key: str, query: NoQuery) -> Document:  # noqa: ARG002  as above
        """One service: its endpoints, weights in force, overrides and problems."""
        reconciler = self._parts.reconciler
        service = reconciler.table.services.get(key)
        if service is None:
            nearest = near(key, reconciler.table.services)
            mend = f"did you mean {', '.join(nearest)}?" if nearest else "see /v1/services"
            raise NoSuchThing(Problem(code="T1611", text=f"there is no service {key}", mend=mend))
        memo = reconciler.current.memo
        routes = sorted(route.id for route in targets.routes_of(reconciler.table, key))
        problems = [
            *memo.service_problems.get(key, ()),
            *(p for id_ in routes for p in memo.route_problems.get(id_, ())),
        ]
        scaled = self._parts.autoscaling.standing.get(key)
        return {
            **document(service),
            "endpoints": self._listed(service.endpoints),
            "scaling": brief(scaled) if scaled is not None else None,
            "weights": targets.weights_of(reconciler.table, key),
            "routes": routes,
            "overrides": document([each for each in self._parts.book.settings if each.target == key]),
            "problems": document(problems),
        }

    @operation("GET", "/v1/routes")
    async def routes(self, query: NoQuery) -> Routes:  # noqa: ARG002  as above
        """All routes with their backends and weights."""
        table = self._parts.reconciler.table
        return Routes(routes=[document(table.routes[id_]) for id_ in sorted(table.routes)])

    @operation("GET", "/v1/endpoints")
    async def endpoints(self, query: NoQuery) -> Endpoints:  # noqa: ARG002  as above
        """All endpoints, their health, and whom the workers have ejected."""
        reconciler = self._parts.reconciler
        return Endpoints(
            endpoints=self._listed(
                endpoint
                for key in sorted(reconciler.table.services)
                for endpoint in reconciler.table.services[key].endpoints
            )
        )

    def _listed(self, endpoints: Iterable[Endpoint]) -> list[Document]:
        """Each with its health, by how many workers it is ejected (null: by none), and what its container used when it was last
        read (null: it was not)."""
        health, out = self._parts.reconciler.health, self._parts.ejections.out()
        return [
            {
                **document(each),
                "health": document(health.get(each.id)),
                "ejected": document(out.get(each.id)),
                "load": document(self._parts.gathering.load(each.instance)),
            }
            for each in endpoints
        ]

    def _scaled(self, service: str) -> list[str]:
        standing = self._parts.autoscaling.standing.get(service)
        return sentences(standing) if standing is not None else []

    @operation("GET", "/v1/nodes")
    async def nodes(self, query: NoQuery) -> Nodes:  # noqa: ARG002  as above
        """The nodes, how many endpoints each has, and, where this node leads, what their hosts use (null: not known here)."""
        counts: dict[str, int] = {self._parts.node: 0}
        for service in self._parts.reconciler.table.services.values():
            for endpoint in service.endpoints:
                name = endpoint.node or self._parts.node
                counts[name] = counts.get(name, 0) + 1
        drained, book = self._parts.reconciler.overrides.drained, self._parts.stacks.book
        facts = {each.name: each for each in self._parts.stacks.nodes()}
        listed = {each["name"]: each for each in self._parts.others.listed()}
        return Nodes(
            nodes=[
                {
                    "zone": self._parts.zone if name == self._parts.node else "",
                    **listed.get(name, {"name": name, "state": "ready"}),
                    **({"state": "draining"} if name in drained else {}),
                    **(shown(facts[name], book.places.entries.values()) if name in facts else {}),
                    "endpoints": counts.get(name, 0),
                    "used": self._parts.gathering.host(name),
                }
                for name in sorted(counts.keys() | listed.keys())
            ]
        )

    @operation("GET", "/v1/traffic")
    async def traffic(self, query: TrafficQuery) -> Carried:
        """What routes, services and endpoints carry: sums, to be subtracted from those of a later answer."""
        kinds = (query.kind,) if query.kind is not None else tuple(LABELS)
        out = self._parts.ejections.out()
        found = usage(self._parts.traffic, self._parts.reconciler.table, kinds, resting=query.resting, out=out)
        return Carried(at=found["at"], bounds_seconds=found["bounds_seconds"], rows=found["rows"])

    @operation("GET", "/v1/problems")
    async def problems(self, query: NoQuery) -> Problems:  # noqa: ARG002  as above
        """Everything that is not as an operator meant it."""
        return Problems(problems=document(self._parts.reconciler.problems))

    @operation("GET", "/v1/events")
    async def events(self, query: EventsQuery) -> Events:
        """What happened, oldest first."""
        return Events(events=document(self._parts.journal.happenings(query.after, query.limit)))

    @operation("GET", "/v1/explain")
    async def explain(self, query: ExplainQuery) -> Explained:
        """Why a URL or a container is routed as it is, or how a service stands."""
        reconciler = self._parts.reconciler
        if (query.url is None) == (query.container is None):
            raise Refused(400, Problem(code="T1602", text="give either url or container", place="/query"))
        out, now = self._parts.ejections.out(), time.time()
        if query.container is not None:
            found = explain_container(
                reconciler.table, reconciler.inventories, reconciler.problems, query.container, out=out, now=now
            )
            found = found or explain_service(reconciler.table, query.container, self._scaled, out)
            if found is None:
                nearest = near(query.container, container_names(reconciler.inventories))
                mend = f"did you mean {', '.join(nearest)}?" if nearest else "docker ps lists the containers"
                raise NoSuchThing(Problem(code="T1611", text=f"there is no container {query.container}", mend=mend))
        else:
            build = reconciler.current
            found = explain_url(
                build.table,
                reconciler.problems,
                _asked(query),
                self._parts.decide.decide,
                said=lambda route: said_of(build, route),
                governed=self._governed,
                out=out,
                now=now,
            )
        return Explained(
            subject=found.subject,
            found=found.found,
            route=found.route,
            steps=list(found.steps),
            ejected={each: document(out[each]) for each in found.endpoints if each in out},
            problems=document(found.problems),
        )

    def _governed(self, route: Route) -> list[str]:
        """Which release sets the weights of a route."""
        names = dict.fromkeys((route.id, route.host, *(backend.service for backend in route.backends)))
        found = [each for each in map(self._parts.releases.governing, names) if each is not None]
        return list(dict.fromkeys(f"weights: set by {each}, {summary(each)}" for each in found))

    @operation("GET", "/v1/resolve")
    async def resolve(self, query: ResolveQuery) -> Document:
        """What the DNS server answers, and from where."""
        return dict(await self._parts.resolve.explain(query.name, query.type.upper(), query.from_))

    @operation("GET", "/v1/config")
    async def config(self, query: NoQuery) -> Document:  # noqa: ARG002  as above
        """The static configuration, without secrets."""
        return self._parts.config

    @operation("GET", "/v1/stream")
    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a snapshot first, then every change; Last-Event-ID resumes."""
        if self._stream.full:
            raise Refused(503, Problem(code="T1618", text="too many clients follow the stream already"))
        given = request.headers.get("Last-Event-ID", "")
        return await self._stream.serve(request, int(given) if re.fullmatch(r"[0-9]{1,18}", given) else None)


class Change:
    """Changing operations. Each is one transaction of the store, in force when its answer comes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._writer = OverrideWriter(parts)
        self._shift = ReleaseShift(parts, self._writer)

    @operation("PUT", "/v1/overrides/weights")
    async def put_weights(self, request: web.Request, query: ChangeQuery, body: WeightsBody) -> Changed:
        """Set the weights of a service, host or route; both sides change in one table."""
        table = self._parts.reconciler.table
        targets.known(table, body.target)
        self._check_weights(body)
        shifted = await self._shift.put(request, query, body)
        if shifted is not None:
            return shifted
        value = targets.completed(table, body.target, body.weights)
        return await self._writer.put(request, query, "weights", body.target, value, body.why)

    @operation("DELETE", "/v1/overrides/weights")
    async def delete_weights(self, request: web.Request, query: ChangeQuery, body: TargetBody) -> Changed:
        """Go back to the weights of labels and files."""
        return await self._writer.delete(request, query, "weights", body.target, body.why)

    @operation("PUT", "/v1/overrides/mode")
    async def put_mode(self, request: web.Request, query: ChangeQuery, body: ModeBody) -> Changed:
        """Hold the requests of a service, host or route, or answer them with a maintenance page."""
        targets.known(self._parts.reconciler.table, body.target)
        value = {"mode": body.mode, "message": body.message}
        return await self._writer.put(request, query, "mode", body.target, value, body.why)

    @operation("DELETE", "/v1/overrides/mode")
    async def delete_mode(self, request: web.Request, query: ChangeQuery, body: TargetBody) -> Changed:
        """Forward requests again."""
        return await self._writer.delete(request, query, "mode", body.target, body.why)

    @operation("PUT", "/v1/overrides/drain")
    async def put_drain(self, request: web.Request, query: ChangeQuery, body: DrainBody) -> Changed:
        """Send no new requests to an endpoint or instance, or empty a node: of several, what stacks run on it moves first."""
        if len(self._parts.others.listed()) > 1 and any(
            each["name"] == body.name for each in self._parts.others.listed()
        ):
            return await self._order(request, query, body)
        if not body.drained:
            return await self._writer.delete(request, query, "drain", body.name, body.why)
        targets.drainable(self._parts.reconciler.current, body.name)
        return await self._writer.put(request, query, "drain", body.name, True, body.why)

    async def _order(self, request: web.Request, query: ChangeQuery, body: DrainBody) -> Changed:
        """Have a node of the cluster emptied, or taken back. Containers that no stack runs stay, and serve."""
        before, revision = self._parts.reconciler.current, 0
        if not query.dry_run:
            who = guard.who(request)
            revision = await self._parts.others.order(body.name, {"drained": body.drained}, who, body.why)
            self._parts.journal.tell(
                "node", f"{body.name} is {'drained' if body.drained else 'taken back'}", who=who, why=body.why
            )
        made = await self._writer.changed(query, body.name, before, revision)
        return {**made, "dry_run": query.dry_run}

    def _check_weights(self, body: WeightsBody) -> None:
        table, overrides = self._parts.reconciler.table, self._parts.reconciler.overrides
        names = targets.also_named(table, body.target)
        problems = [
            Problem(
                code="T1612",
                text=f"{body.target} has no version or service {name}",
                place=f"/body/weights/{name}",
                mend=f"there are: {', '.join(sorted(names)) or 'none'}",
                kept="nothing was changed",
            )
            for name in body.weights
            if name not in names
        ]
        after = targets.completed(table, body.target, body.weights)
        if not any(after.values()) and body.target not in overrides.modes:
            problems.append(
                Problem(
                    code="T1612",
                    text="all weights would be 0, and nobody would answer",
                    place="/body/weights",
                    mend="give one a weight, or set the mode to maintenance",
                    kept="nothing was changed",
                )
            )
        if problems:
            raise Refused(422, *problems)


def _asked(query: ExplainQuery) -> Asked:
    """The request that is asked about; a missing scheme is forgiven. Raises Refused (T1602)."""
    url = query.url or ""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host:
        raise _unasked(f"{url!r} has no host", "url", "write http://host/path")
    try:
        ip_address(query.from_)
    except ValueError:
        raise _unasked(f"{query.from_!r} is not an IP address", "from", "give the client's address") from None
    lines = [each.strip() for each in query.headers.splitlines() if each.strip()]
    wrong = next((each for each in lines if ":" not in each), None)
    if wrong is not None:
        raise _unasked(f"{wrong!r} is not a header", "headers", "write Name: value")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Asked(
        method=query.method.upper(),
        authority=parts.netloc.rpartition("@")[2],
        target=quote(target, safe=_AS_SENT),
        lines="".join(f"{each}\r\n" for each in lines),
        client=query.from_,
        secure=parts.scheme == "https",
    )


def _unasked(text: str, name: str, mend: str) -> Refused:
    return Refused(400, Problem(code="T1602", text=text, place=f"/query/{name}", mend=mend))
