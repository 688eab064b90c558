"""The label language: what the `aliyun.*` and `tidegate.*` labels of one container mean. Pure.

Every label ends in one of six ways, never in silence:

* it is applied;
* it only *adds* something (a route): where it is wrong that thing is missing, the rest stands;
* it only *tunes* something (a timeout): where it is wrong the default is used;
* it *protects* (who may send requests, and how many) or *selects* requests: where it is wrong the container, or the port
  it speaks of, is kept out of traffic (`said`);
* it *decides* whether or how much traffic the container gets (probe, weight, version, release, service, network, enable): where
  it is wrong the container is quarantined, that is, it has no claims and no ports, and the others of its service serve;
* it is known but not supported, has no effect, or is unknown: a problem says so.

Where both prefixes say the same thing, `tidegate.*` wins; routes of both count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from tidegate.discovery.attributes import read_attributes
from tidegate.discovery.complaints import Complaints
from tidegate.discovery.elastic import MISPRINTED, misprint, read_scaling, word_of
from tidegate.discovery.hosts import ALIYUN, TIDEGATE
from tidegate.discovery.probe import NAMES as PROBE_NAMES
from tidegate.discovery.probe import WAYS, Setting, UnreadableProbe, read_probe
from tidegate.discovery.releasing import read_release, version_of
from tidegate.discovery.routes import RouteReader
from tidegate.discovery.said import Said, read_said
from tidegate.discovery.vocabulary import (
    PORT_LABEL,
    decides,
    in_order,
    is_applied,
    is_not_yet,
    is_ours,
    is_protective,
    is_setting,
    probably,
    release_word,
)
from tidegate.elasticity import ScalingPolicy
from tidegate.engine.port import ContainerDetail
from tidegate.errors import Problem
from tidegate.model import DnsMode, EngineHealth, Instance, InstanceState, ProbeSpec, ReleasePolicy, RouteClaim
from tidegate.release.spec import Strategy
from tidegate.settings.fault import Fault, shown
from tidegate.settings.values import as_text, read_flag, read_name, read_text, read_whole

DEFAULT_ROOT_DOMAIN = "local"

_COMPOSE = "com.docker.compose."
_MAX_TTL = 3600  # seconds; longer than any drain is of no use to anybody
_KEPT_OUT = "the container gets no traffic until this is right; the others of its service serve"

T = TypeVar("T")


class Meaning(Struct, frozen=True, kw_only=True):
    """What one set of labels says. `quarantined`: a deciding label is wrong, or one that protects its only port, so there are no claims and no ports. `call` is
    the claim, without a host, of requests for its service's own names where the router answers these."""

    enabled: bool = True
    quarantined: bool = False
    project: str = ""
    service: str = ""
    version: str = ""
    network: str = ""
    weight: int = 100
    scale: int = 0
    number: int = 0
    dns: DnsMode | None = None
    dns_fallback: bool = False
    dns_ttl: int | None = None
    texts: tuple[str, ...] = ()
    claims: tuple[RouteClaim, ...] = ()
    call: RouteClaim | None = None
    ports: tuple[int, ...] = ()
    probe: ProbeSpec | None = None
    release: ReleasePolicy | None = None
    scaling: ScalingPolicy | None = None
    problems: tuple[Problem, ...] = ()


def understand(detail: ContainerDetail, provider: str, node: str, root_domain: str = DEFAULT_ROOT_DOMAIN) -> Instance:
    """The instance that an inspected container is. Never raises: what is wrong stands in its `problems`."""
    meaning = read_labels(detail.labels, detail.exposed, f"container {detail.name}, label ", root_domain)
    service = meaning.service or detail.name
    calls = [replace(meaning.call, host=name) for name in _own_names(meaning.project, service) if meaning.call]
    version = meaning.version
    if not version and meaning.release is not None:
        version = version_of(detail.image, detail.image_id)
    return Instance(
        id=detail.id,
        name=detail.name,
        provider=provider,
        node=node,
        image=detail.image,
        project=meaning.project,
        service=service,
        version=version,
        number=meaning.number,
        state=detail.state,
        engine_health=_health(detail),
        hostname=detail.hostname,
        networks=detail.networks,
        host_network=detail.network_mode == "host",
        published=detail.published,
        network=meaning.network,
        claims=(*meaning.claims, *calls),
        ports=meaning.ports,
        probe=meaning.probe,
        weight=meaning.weight,
        release=meaning.release,
        scaling=meaning.scaling,
        made=_made(detail.labels),
        scale=meaning.scale,
        dns=meaning.dns,
        dns_fallback=meaning.dns_fallback,
        dns_ttl=meaning.dns_ttl,
        texts=meaning.texts,
        quarantined=meaning.quarantined,
        created_at=detail.created_at,
        started_at=detail.started_at,
        problems=meaning.problems,
    )


def check_labels(labels: Mapping[str, object], exposed: tuple[int, ...] | None = None) -> tuple[Problem, ...]:
    """Problems of a set of labels as written in a file: bare booleans and numbers are taken as their text.

    `exposed` None means that the image's ports are not known, so a missing port is not reported.
    """
    texts = {str(name): as_text(value) for name, value in labels.items()}
    problems = read_labels(texts, exposed or (), "label ").problems
    return tuple(problem for problem in problems if exposed is not None or problem.code != "T1211")


def is_enabled(labels: Mapping[str, str]) -> bool:
    """False where `tidegate.enable` is false: the container does not exist for us."""
    return labels.get("tidegate.enable", "").strip().lower() != "false"


def read_labels(
    labels: Mapping[str, str], exposed: tuple[int, ...], place: str, root_domain: str = DEFAULT_ROOT_DOMAIN
) -> Meaning:
    """What `labels` say; `place` stands before a label's name in problems."""
    return _Reader(labels, exposed, place, root_domain).read()


class _Reader:
    """One pass over one set of labels."""

    def __init__(self, labels: Mapping[str, str], exposed: tuple[int, ...], place: str, root_domain: str) -> None:
        self._labels = labels
        self._exposed = exposed
        self._complaints = Complaints(lambda label: place + label)
        self._routes = RouteReader(self._complaints, root_domain)
        self._texts: dict[str, str] = {}  # readable values of the labels to apply, in order
        self._settings: dict[str, str] = {}  # labels of routes' settings, as written
        self._quarantined = False

    def read(self) -> Meaning:
        self._sort_out()
        if not self._value("tidegate.enable", read_flag, True):
            return Meaning(enabled=False, problems=self._complaints.problems)
        self._routing_labels()
        own = self._own_port()
        probe = self._probe()
        project, service = self._service()
        version = self._value("tidegate.version", read_name, "")
        network = self._value("tidegate.network", read_name, "")
        weight = self._value("tidegate.weight", lambda text: read_whole(text, 0, 1000), 100)
        scale = self._value(self._preferred("scale"), lambda text: read_whole(text, 0, 1000), 0)
        dns = self._value("tidegate.dns", _dns_mode, None)
        fallback = self._value("tidegate.dns.fallback", read_flag, False)
        ttl = self._value("tidegate.dns.ttl", _ttl, None)
        nothing: tuple[str, ...] = ()
        texts = self._value("tidegate.dns.txt", lambda text: read_attributes(text, self._labels), nothing)
        release = self._release()
        scaling = self._scaling()
        said = self._said()
        self._quarantined = self._quarantined or said.closed
        serves = not self._one_off() and not self._quarantined
        claims = tuple(said.claim(claim) for claim in self._routes.claims if claim.port not in said.closed_ports)
        if claims and self._one_off():
            text = "a one-off container of `docker compose run` inherits routes that it is not meant to serve"
            self._complaints.warning("T1206", _COMPOSE + "oneoff", text, kept="it gets no traffic")
        ports = dict.fromkeys((*own, *(claim.port for claim in claims), *self._exposed))
        for port in said.closed_ports:
            ports.pop(port, None)
        call = said.claim(_call(next(iter(ports)))) if dns is DnsMode.PROXY and serves and ports else None
        return Meaning(
            quarantined=self._quarantined or bool(said.closed_ports and not ports),
            project=project,
            service=service,
            version=version,
            network=network,
            weight=weight,
            scale=scale,
            number=self._number(),
            dns=dns,
            dns_fallback=fallback,
            dns_ttl=ttl,
            texts=texts,
            claims=claims if serves else (),
            call=call,
            ports=tuple(ports) if serves else (),
            probe=probe,
            release=release,
            scaling=scaling,
            problems=self._complaints.problems,
        )

    def _sort_out(self) -> None:
        """Keep the labels to apply; complain about unknown, unsupported and unreadable ones."""
        for label in sorted(filter(is_ours, self._labels), key=in_order):
            if is_setting(label):
                self._settings[label] = self._labels[label]
                continue
            if not is_applied(label):
                self._not_applied(label)
                continue
            text = read_text(self._labels[label])
            if isinstance(text, Fault):
                self._refuse("T1209", label, text, "it is as if the label were not there")
            else:
                self._texts[label] = text

    def _not_applied(self, label: str) -> None:
        if is_not_yet(label):
            text = f"{label} is understood, but not supported yet"
            self._complaints.warning("T1204", label, text, mend="nothing to do, unless you rely on what it did")
            return
        close = probably(label)
        kept_out = is_protective(close) or decides(label) or decides(close)
        self._quarantined = self._quarantined or kept_out
        mend = f"did you mean {close}?" if close else "see docs/labels.md for the labels there are"
        self._complaints.error(
            "T1203",
            label,
            f"unknown label {shown(label)}",
            mend=mend,
            kept=_KEPT_OUT if kept_out else "the other labels stand",
        )

    def _routing_labels(self) -> None:
        for label, text in self._texts.items():
            match = PORT_LABEL.fullmatch(label)
            if not match:
                continue
            port = read_whole(match[1], 1, 65535)
            if isinstance(port, Fault) or match[1].startswith("0"):
                wrong = Fault(
                    f"{shown(match[1])} is not a container port", "write routing.port_ and a number from 1 to 65535"
                )
                self._refuse("T1201", label, wrong, "the container's other routes stand")
            else:
                self._routes.read(label, text, port, ALIYUN if label.startswith("aliyun.") else TIDEGATE)

    def _own_port(self) -> tuple[int, ...]:
        """The port of `tidegate.port`, or the only exposed one for `tidegate.host`; reads the host's routes."""
        port = self._value("tidegate.port", lambda text: read_whole(text, 1, 65535), 0)
        hosts = self._texts.get("tidegate.host")
        if hosts is None or (not port and "tidegate.port" in self._labels):
            return (port,) if port else ()  # a wrong port has been told
        if not port and len(self._exposed) == 1:
            port = self._exposed[0]
        if not port:
            ports = ", ".join(map(str, self._exposed)) or "none"
            said = Fault(
                f"tidegate.host does not say which port to use, the image exposes {ports}", "set tidegate.port"
            )
            self._refuse("T1211", "tidegate.host", said, "the container's other routes stand")
            return ()
        self._routes.read("tidegate.host", hosts, port, TIDEGATE)
        return (port,)

    def _said(self) -> Said:
        """What the labels say of the container's routes; the original language's stickiness is a setting too."""
        sticky = self._value(self._preferred("routing.session_sticky"), _maybe_flag, None)
        return read_said(self._settings, self._complaints, sticky=sticky)

    def _probe(self) -> ProbeSpec | None:
        settings: dict[str, Setting] = {}
        own_way = any(f"tidegate.probe.{way}" in self._texts for way in WAYS)
        for name in PROBE_NAMES:
            if (label := f"tidegate.probe.{name}") in self._texts:
                settings[name] = Setting(label, self._texts[label])
            elif (label := f"aliyun.probe.{name}") in self._texts and not (own_way and name in WAYS):
                settings[name] = Setting(label, self._texts[label], aliyun=True)
        probe = read_probe(settings, self._complaints)
        if isinstance(probe, UnreadableProbe):
            self._quarantined = True
            return None
        return probe

    def _release(self) -> ReleasePolicy | None:
        """How its version wants to be released; the original language knew one way."""
        given = {word: text for label, text in self._texts.items() if (word := release_word(label))}
        found = read_release(given, operator=False)
        for word, fault in found.wrong:
            self._refuse("T1208", f"tidegate.release.{word}", fault, _KEPT_OUT)
        rolling = self._value("aliyun.rolling_updates", read_flag, False)
        parallelism = self._value("aliyun.rolling_updates.parallelism", lambda text: read_whole(text, 1, 1000), 1)
        if not rolling and "aliyun.rolling_updates.parallelism" in self._texts:
            text = "aliyun.rolling_updates is not set, so this has no effect"
            self._complaints.warning(
                "T1206", "aliyun.rolling_updates.parallelism", text, mend="set it to true beside it"
            )
        if given:
            return found.policy or ReleasePolicy()  # what cannot be read waits all the same
        return ReleasePolicy(strategy=Strategy.ROLLING.value, parallelism=parallelism) if rolling else None

    def _scaling(self) -> ScalingPolicy | None:
        """How its service follows its load."""
        labels = {word: label for label in self._texts if (word := word_of(label))}  # ours come last, and hold
        for label in MISPRINTED:
            if label in self._texts:
                fault = misprint(label)
                self._complaints.warning("T2406", label, fault.text, mend=fault.mend, kept="it is read as if it were")
        wanted = read_scaling({word: self._texts[label] for word, label in labels.items()})
        for code, word, fault in wanted.errors:
            kept = "the container serves; its service is not scaled by itself until this is right"
            self._complaints.error(code, labels[word], fault.text, mend=fault.mend, kept=kept)
        for code, word, fault in wanted.warnings:
            self._complaints.warning(code, labels[word], fault.text, mend=fault.mend)
        return wanted.policy

    def _service(self) -> tuple[str, str]:
        """Project and service: our label, else Compose's, else nothing (the caller takes the container's name), as for a one-off
        container, which is no replica."""
        own = self._value("tidegate.service", _service_name, None)
        if self._one_off():
            return "", ""
        if own is not None:
            return own
        service = self._labels.get(_COMPOSE + "service", "")
        if not service:
            return "", ""
        return self._labels.get(_COMPOSE + "project", ""), service

    def _one_off(self) -> bool:
        """Whether `docker compose run` made it: such a container inherits the labels, but is not meant to serve."""
        return self._labels.get(_COMPOSE + "oneoff", "").lower() == "true"

    def _number(self) -> int:
        number = read_whole(self._labels.get(_COMPOSE + "container-number", ""), 1, 1_000_000)
        return 0 if isinstance(number, Fault) else number

    def _preferred(self, name: str) -> str:
        return f"tidegate.{name}" if f"tidegate.{name}" in self._labels else f"aliyun.{name}"

    def _value(self, label: str, read: Callable[[str], T | Fault], default: T) -> T:
        """The label's value, `default` where it is missing or wrong."""
        if label not in self._texts:
            return default
        value = read(self._texts[label])
        if isinstance(value, Fault):
            self._refuse("T1208", label, value, "the default is used")
            return default
        return value

    def _refuse(self, code: str, label: str, fault: Fault, kept: str) -> None:
        kept_out = decides(label)
        self._quarantined = self._quarantined or kept_out
        self._complaints.error(code, label, fault.text, mend=fault.mend, kept=_KEPT_OUT if kept_out else kept)


def _made(labels: Mapping[str, str]) -> str:
    """What of ours made the container, by the labels that we alone write; a copy of a release's container is a copy."""
    return next((word for word in ("scaling", "place", "release") if f"io.tidegate.{word}" in labels), "")


def _own_names(project: str, service: str) -> tuple[str, ...]:
    """What a service is called, relative to the zone: `service`, and in a project `service.project`."""
    name = service.lower()
    return (name, f"{name}.{project.lower()}") if project else (name,)


def _call(port: int) -> RouteClaim:
    return RouteClaim(port=port, host="", origin="tidegate.dns", relative=True)


def _maybe_flag(text: str) -> bool | Fault | None:
    return read_flag(text)


def _service_name(text: str) -> tuple[str, str] | Fault | None:
    project, slash, service = text.partition("/")
    for part in (project, service) if slash else (project,):
        if isinstance(fault := read_name(part), Fault):
            return fault
    return (project, service) if slash else ("", project)


def _dns_mode(text: str) -> DnsMode | Fault | None:
    modes = {mode.value: mode for mode in DnsMode}
    return modes.get(text.lower()) or Fault(f"{shown(text)} is no DNS mode", f"write one of {', '.join(modes)}")


def _ttl(text: str) -> int | Fault | None:
    return read_whole(text, 0, _MAX_TTL)


def _health(detail: ContainerDetail) -> EngineHealth:
    """The engine sends no event when a check begins, so a fresh container with a check counts as starting."""
    if detail.engine_health is EngineHealth.NONE and detail.has_healthcheck and detail.state is InstanceState.RUNNING:
        return EngineHealth.STARTING
    return detail.engine_health
