"""What the admin API takes and gives for releases, as types, and what is understood of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from tidegate.control.answers import Document, Name, Weight, Why
from tidegate.control.api import Fields
from tidegate.control.planning import Ask
from tidegate.control.refusal import Refused
from tidegate.errors import Problem
from tidegate.model import ReleasePolicy
from tidegate.policy import Match
from tidegate.release.gate_text import gates_of, line_of
from tidegate.release.gates import Gate
from tidegate.release.spec import Change, OnFailure, OnUnsure, Pull, Retire, Strategy
from tidegate.release.strategies import Options, labelled
from tidegate.settings.conditions import read_conditions

Seconds = Annotated[float, Field(ge=0, le=7 * 86400)]
Version = Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$")]
Share = Annotated[int, Field(ge=1, le=100)]
Ending = Literal["keep", "stop", "remove"]
Texts = dict[Annotated[str, Field(min_length=1, max_length=512)], Annotated[str, Field(max_length=65536)] | None]


class DeployBody(Fields):
    """What is to take the place of what serves now. With `image`, `environment`, `labels` or `command` Tidegate makes the new
    containers from the old ones; else they run already. null takes a variable or label away. Whatever is left out is the
    strategy's own, or what the new version's labels say.

    `from` is the version that serves now; `beside` the service of the new side where the sides are two services, `targets` the
    hosts or routes they share then. `shares` are a canary's, in percent. `manual`: weights are moved by hand, then confirmed.
    `revision`: only if the plan is still the one that was shown."""

    image: Annotated[str, Field(max_length=1024)] = ""
    environment: Texts = {}
    labels: Texts = {}
    command: Annotated[list[Annotated[str, Field(max_length=65536)]], Field(max_length=1000)] = []
    pull: Literal["never", "missing", "always"] = "missing"
    version: Version = ""
    from_: Annotated[Version, Field(alias="from")] = ""
    beside: Annotated[str, Field(max_length=512)] = ""
    targets: Annotated[list[Name], Field(max_length=100)] = []
    replicas: Annotated[int, Field(ge=0, le=1000)] = 0
    strategy: Literal["rolling", "blue-green", "canary", "replace"] | None = None
    shares: Annotated[list[Share], Field(max_length=50)] = []
    hold_seconds: Seconds | None = None
    confirm: bool | None = None
    parallelism: Annotated[int, Field(ge=0, le=1000)] = 0
    manual: bool = False
    retire: Ending | None = None
    discard: Ending | None = None
    retain_seconds: Seconds | None = None
    on_failure: Literal["rollback", "pause"] = "rollback"
    on_unsure: Literal["wait", "pass"] | None = None
    gates: Annotated[list[Annotated[str, Field(max_length=8192)]], Field(max_length=50)] = []
    preview_headers: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=16)] = []
    preview_cookies: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=16)] = []
    min_healthy_seconds: Seconds | None = None
    ready_seconds: Seconds | None = None
    drain_seconds: Seconds | None = None
    stop_seconds: Seconds | None = None
    revision: Annotated[str, Field(max_length=64)] = ""
    why: Why = ""


class SayBody(Fields):
    """Why somebody says it."""

    why: Why = ""


class PromoteBody(Fields):
    """`full`: skip all further holds and confirmations. `keep`: the weights stay as they were set by hand."""

    full: bool = False
    keep: bool = False
    why: Why = ""


class ShiftBody(Fields):
    """Relative weights of the two sides, while the release waits; a side not named keeps its own."""

    weights: Annotated[dict[Name, Weight], Field(min_length=1, max_length=2)]
    why: Why = ""


class PlanQuery(Fields):
    """Whether the plan is only shown."""

    dry_run: bool = False


class Planned(TypedDict):
    """What a release will do, or does now. `plan` are sentences; `number` 0 and `dry_run` where it was only shown; `revision`
    changes with everything the plan was made from."""

    service: str
    number: int
    dry_run: bool
    revision: str
    plan: list[str]
    spec: Document
    warnings: list[Document]


class Told(TypedDict):
    """A release as it stands now, with what is seen of it. `release` is its record."""

    service: str
    number: int
    state: str
    summary: str
    release: Document
    seen: Document


class ReleaseList(TypedDict):
    """Releases without their histories, those that have not ended first."""

    releases: list[Document]


class ServiceReleases(TypedDict):
    """The newest release of a service with all that is seen of it, and the earlier ones, the latest first."""

    service: str
    current: Told
    earlier: list[Document]


def ask_of(service: str, body: DeployBody, policy: ReleasePolicy | None) -> Ask:
    """What the body asks; `policy` is what the labels of a running new version say. Raises Refused (T1602)."""
    creates = bool(body.image or body.environment or body.labels or body.command)
    change = Change(
        image=body.image,
        pull=Pull(body.pull),
        environment=body.environment,
        labels=body.labels,
        command=tuple(body.command),
    )
    return Ask(
        service=service,
        options=_options(body, policy if not creates else None),
        change=change if creates else None,
        version=body.version,
        stable=body.from_,
        beside=body.beside,
        targets=tuple(body.targets),
        replicas=body.replicas,
    )


def _options(body: DeployBody, policy: ReleasePolicy | None) -> Options:
    lines = [line_of(name, bound) for name, bound in (policy.gates if policy is not None else {}).items()]
    gates = _gates([*lines, *body.gates])
    said = labelled(policy, gates) if policy is not None and not body.strategy and not body.shares else None
    given: dict[str, Any] = {
        "hold_seconds": body.hold_seconds,
        "confirm": body.confirm,
        "parallelism": body.parallelism or None,
        "retire": Retire(body.retire) if body.retire else None,
        "discard": Retire(body.discard) if body.discard else None,
        "retain_seconds": body.retain_seconds,
        "on_failure": OnFailure(body.on_failure),
        "on_unsure": OnUnsure(body.on_unsure) if body.on_unsure else None,
        "previews": _previews(body) or None,
        "manual": body.manual or None,
        "min_healthy_seconds": body.min_healthy_seconds,
        "ready_seconds": body.ready_seconds,
        "drain_seconds": body.drain_seconds,
        "stop_seconds": body.stop_seconds,
    }
    before = {name: getattr(said, name) for name in said.__struct_fields__} if said is not None else _strategy(body)
    return Options(**before | {"gates": gates} | {name: value for name, value in given.items() if value is not None})


def _strategy(body: DeployBody) -> dict[str, Any]:
    usual = Strategy.CANARY if body.shares else Strategy.ROLLING
    return {"strategy": Strategy(body.strategy) if body.strategy else usual, "shares": tuple(body.shares)}


def _gates(lines: list[str]) -> tuple[Gate, ...]:
    try:
        return gates_of(lines)
    except ValueError as fault:
        raise _unread("gates", str(fault)) from None


def _previews(body: DeployBody) -> tuple[Match, ...]:
    found: list[Match] = []
    for kind, texts in (("header", body.preview_headers), ("cookie", body.preview_cookies)):
        for text in texts:
            name, equals, value = text.partition("=")
            read = read_conditions({f"match.{kind}.{name.strip()}": value.strip() if equals else "*"})
            if read.match is None:
                raise _unread(
                    f"preview_{kind}s", "; ".join(fault.text for _, fault in read.wrong) or f"no {kind}: {text}"
                )
            found.append(read.match)
    return tuple(found)


def _unread(name: str, text: str) -> Refused:
    return Refused(400, Problem(code="T1602", text=f"{name}: {text}", place=f"/body/{name}"))
