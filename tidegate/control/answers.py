"""What the admin API takes and gives, as types."""

from __future__ import annotations

from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic needs it before Python 3.12, and brings it
)

from pydantic import Field
from typing_extensions import TypedDict

from tidegate.control.api import Fields

Name = Annotated[str, Field(min_length=1, max_length=512)]
Why = Annotated[str, Field(max_length=1000)]
Weight = Annotated[int, Field(ge=0, le=1000)]
Document = dict[str, Any]


class NoQuery(Fields):
    """No parameters."""


class EventsQuery(Fields):
    """Which happenings."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    after: Annotated[int, Field(ge=0)] = 0


class ExplainQuery(Fields):
    """A URL, or a container. `headers` are the request's field lines, one a line; `from` is the client's address."""

    url: Annotated[str, Field(max_length=8192)] | None = None
    container: Name | None = None
    method: Annotated[str, Field(pattern="^[!-~]{1,32}$")] = "GET"
    headers: Annotated[str, Field(max_length=65536)] = ""
    from_: Annotated[str, Field(alias="from", max_length=64)] = "127.0.0.1"


class TrafficQuery(Fields):
    """Which rows: of one kind or all; with `resting` also what had no request yet."""

    kind: Literal["route", "service", "endpoint"] | None = None
    resting: bool = False


class ResolveQuery(Fields):
    """A DNS question, as an asker would put it."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str, Field(pattern="^[A-Za-z0-9]{1,16}$")] = "A"
    from_: Annotated[str, Field(alias="from", max_length=64)] = ""


class ChangeQuery(Fields):
    """How a change is made: only shown, or waited for until all workers follow."""

    dry_run: bool = False
    wait: Annotated[float, Field(ge=0, le=300)] = 0.0


class WeightsBody(Fields):
    """Relative weights by version (`default` is the empty one) or service; those not named keep what they have."""

    target: Name
    weights: Annotated[dict[Name, Weight], Field(min_length=1, max_length=100)]
    why: Why = ""


class ModeBody(Fields):
    """What happens to the requests of a service, host or route."""

    target: Name
    mode: Literal["normal", "hold", "maintenance"]
    message: Annotated[str, Field(max_length=10_000)] = ""
    why: Why = ""


class TargetBody(Fields):
    """What to take an override from."""

    target: Name
    why: Why = ""


class DrainBody(Fields):
    """An endpoint, instance or node, by id or name."""

    name: Name
    drained: bool
    why: Why = ""


class SettingsBody(Fields):
    """Settings by dotted names, nested, or both."""

    settings: Annotated[dict[Name, Any], Field(min_length=1, max_length=200)]
    why: Why = ""


class UnsetBody(Fields):
    """Names of settings or families to take back; none means all."""

    names: Annotated[list[Name], Field(max_length=200)] = []
    why: Why = ""


class Services(TypedDict):
    """All services."""

    services: list[Document]


class Routes(TypedDict):
    """All routes."""

    routes: list[Document]


class Endpoints(TypedDict):
    """All endpoints."""

    endpoints: list[Document]


class Nodes(TypedDict):
    """All nodes."""

    nodes: list[Document]


class Certificates(TypedDict):
    """All certificates that are good now."""

    certificates: list[Document]


class Problems(TypedDict):
    """All problems."""

    problems: list[Document]


class Events(TypedDict):
    """Happenings, oldest first."""

    events: list[Document]


class Explained(TypedDict):
    """A decision, step by step. `ejected` are those of its endpoints that workers have taken out after failures, by id."""

    subject: str
    found: bool
    route: str
    steps: list[str]
    ejected: dict[str, Document]
    problems: list[Document]


class Status(TypedDict):
    """What runs, and whether it is well. `cluster` is empty where there is none."""

    version: str
    uptime_seconds: float
    node: str
    ready: bool
    waiting_for: list[str]
    table_version: int
    services: int
    routes: int
    endpoints: int
    problems: int
    providers: list[Document]
    workers: list[Document]
    overrides: list[Document]
    cluster: Document


class TrafficRow(TypedDict):
    """Sums since control started. Times in microseconds, body sizes in bytes; `*_buckets` count per bound of
    `bounds_seconds`, the last one what is above all. `state` is a route's mode, a service's ready endpoints of all, an
    endpoint's health, or `gone`; `weight` is null where none applies; `ejected` is how many workers of all send nothing to an
    endpoint after failures (`1/2`), empty for none."""

    kind: Literal["route", "service", "endpoint"]
    route: NotRequired[str]
    service: NotRequired[str]
    version: NotRequired[str]
    endpoint: NotRequired[str]
    state: str
    ejected: NotRequired[str]
    weight: int | None
    requests: int
    received: int
    sent: int
    duration_us: int
    upstream_us: int
    retries: int
    held: int
    held_us: int
    opened: int
    statuses: dict[str, int]
    duration_buckets: list[int]
    upstream_buckets: list[int]
    in_flight: int


class Carried(TypedDict):
    """`at` is when the sums were measured, on a clock that only serves for differences."""

    at: float
    bounds_seconds: list[float]
    rows: list[TrafficRow]


class Changed(TypedDict):
    """`changes` are what the change does; `version` the table it is in force with; `revision` that of the override."""

    target: str
    dry_run: bool
    version: int
    revision: int
    applied: bool
    changes: list[Document]
    warnings: list[Document]
