"""The static file: services at fixed addresses, and routes written out. Pure; every problem at once, each with its line.

    services:
      web@v1:                    # name, project/name, either with @version
        endpoints: ["127.0.0.1:9001", {address: "127.0.0.1:9002", weight: 2}]
        probe: {url: "http://container/healthz"}
        release: {strategy: canary, canary: [5, 25]}
      mail:                      # a service of others, another name for its host in the DNS
        external: smtp.example.org
    routes:
      - {host: a.test, path: /, backends: {web@v1: 90, web@v2: 10}}
    defaults:                    # of all routes, also those of containers
      timeout: {connect_seconds: 1}
    dns:
      domain: mesh.internal

A route takes settings beside these keys (docs/route-settings.md). A backend is named like a service; without a version it means all of them. It may also be a service that another provider
sees (a container's), so an unknown name is no error here. The rules of hosts, paths and probes are those of the
`tidegate.*` labels, but for two: a probe without a port asks the endpoint's own, and there is no inside to run a command.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidegate.discovery.complaints import Complaints
from tidegate.discovery.hosts import TIDEGATE, read_host, read_path
from tidegate.discovery.probe import NAMES as PROBE_NAMES
from tidegate.discovery.probe import Setting, UnreadableProbe, read_probe
from tidegate.discovery.releasing import TOP as RELEASE
from tidegate.discovery.releasing import read_release
from tidegate.errors import Problem, Severity
from tidegate.model import Address, Backend, Instance, NetworkAddress, ProbeSpec, ReleasePolicy, RouteSpec
from tidegate.policy import Match
from tidegate.settings.conditions import TOP as CONDITIONS
from tidegate.settings.conditions import read_conditions
from tidegate.settings.fault import Fault, meant, nearest, shown
from tidegate.settings.reading import flattened, read_settings
from tidegate.settings.values import as_text, read_name, read_whole
from tidegate.settings.vocabulary import TOPS
from tidegate.yamlfile import Document, Path

_TOP = ("services", "routes", "defaults", "dns", "tls")  # `tls` is read by tls.statics
_SERVICE = ("version", "endpoints", "probe", "weight", "external", RELEASE)
_ENDPOINT = ("address", "weight")
_ROUTE = ("host", "path", "backends")
_PROBE = tuple(name for name in PROBE_NAMES if name != "cmd")
_NETWORK = "static"
_KEPT = "the last good content of this file stays in force"


class Statics(Struct, frozen=True, kw_only=True):
    """What one file says. Usable only if `is_good`."""

    instances: tuple[Instance, ...] = ()
    routes: tuple[RouteSpec, ...] = ()
    defaults: dict[str, str] = {}
    domain: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the content may be applied: no problem is an error."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


class _Name(Struct, frozen=True):
    project: str
    service: str
    version: str | None

    @property
    def key(self) -> str:
        return f"{self.project}/{self.service}" if self.project else self.service


def read_statics(document: Document, provider: str, node: str = "") -> Statics:
    """What `document` says, with its syntax problems first."""
    reader = _Reader(document, provider, node)
    if document.data is not None:
        reader.read(document.data)
    problems = (*document.problems, *reader.problems)
    kept = tuple(_with_kept(problem) for problem in problems)
    return Statics(
        instances=reader.instances,
        routes=reader.routes,
        defaults=reader.defaults,
        domain=reader.domain,
        problems=kept,
    )


def _with_kept(problem: Problem) -> Problem:
    if problem.severity is not Severity.ERROR:
        return problem
    return Problem(
        code=problem.code, text=problem.text, place=problem.place, cause=problem.cause, mend=problem.mend, kept=_KEPT
    )


class _Reader:
    """One pass over one document."""

    def __init__(self, document: Document, provider: str, node: str) -> None:
        self._document = document
        self._provider = provider
        self._node = node
        self._complaints = Complaints(lambda at: at)
        self._instances: dict[str, Instance] = {}
        self._numbers: dict[str, int] = {}  # endpoints so far, by service key
        self._routes: dict[str, RouteSpec] = {}  # by id
        self._backends: list[tuple[Path, _Name]] = []
        self.defaults: dict[str, str] = {}
        self.domain = ""

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._complaints.problems

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(self._instances.values())

    @property
    def routes(self) -> tuple[RouteSpec, ...]:
        return tuple(self._routes.values())

    def read(self, data: Any) -> None:
        top = self._mapping(data, (), _TOP)
        for name, service in self._mapping(top.get("services"), ("services",)).items():
            self._service(str(name), service, ("services", name))
        for index, route in enumerate(self._sequence(top.get("routes"), ("routes",))):
            self._route(route, ("routes", index))
        self._spelling_of_backends()
        self.defaults = self._settings(self._mapping(top.get("defaults"), ("defaults",), TOPS), ("defaults",))
        self._dns(self._mapping(top.get("dns"), ("dns",), ("domain",)))

    # ---------------------------------------------------------------------------------------------------- services

    def _service(self, text: str, data: Any, path: Path) -> None:
        name = _read_key(text)
        if isinstance(name, Fault):
            self._wrong(path, name)
            return
        settings = self._mapping(data, path, _SERVICE)
        version = self._version(name, settings, path)
        weight = self._whole(settings, "weight", path, 0, 1000, 100)
        release = self._release(settings, path)
        probe = self._probe(settings.get("probe"), (*path, "probe"))
        if "external" in settings:
            self._external(name, settings, path)
            return
        if not settings.get("endpoints"):
            self._missing(path, "endpoints", f"service {text} has no endpoints")
        for index, endpoint in enumerate(self._sequence(settings.get("endpoints"), (*path, "endpoints"))):
            at = (*path, "endpoints", index)
            fields = {"address": endpoint} if isinstance(endpoint, str) else self._mapping(endpoint, at, _ENDPOINT)
            address = _read_address(fields.get("address"))
            share = self._whole(fields, "weight", at, 0, 1000, 1)
            if isinstance(address, Fault):
                self._wrong(at, address)
            else:
                self._endpoint(name, version, address, at, weight=weight, share=share, probe=probe, release=release)

    def _endpoint(
        self,
        name: _Name,
        version: str,
        address: Address,
        at: Path,
        *,
        weight: int,
        share: int,
        probe: ProbeSpec | None,
        release: ReleasePolicy | None,
    ) -> None:
        number = self._numbers[name.key] = self._numbers.get(name.key, 0) + 1
        instance = f"file:{name.key}:{address}"
        if instance in self._instances:
            self._complaints.error(
                "T1259", self._at(at), f"endpoint {address} of {name.key} is written twice", mend="keep one of the two"
            )
            return
        ipv4, ipv6 = ("", address.host) if ":" in address.host else (address.host, "")
        self._instances[instance] = Instance(
            id=instance,
            name=f"{name.service}-{number}",
            provider=self._provider,
            service=name.service,
            node=self._node,
            project=name.project,
            version=version,
            number=number,
            networks=(NetworkAddress(network=_NETWORK, name=_NETWORK, ipv4=ipv4, ipv6=ipv6, routable=True),),
            ports=(address.port,),
            probe=probe,
            weight=weight,
            endpoint_weight=share,
            release=release,
        )

    def _external(self, name: _Name, settings: Mapping[Any, Any], path: Path) -> None:
        """A service of others: its name is another name for `external` in the DNS."""
        at = (*path, "external")
        host = read_host(as_text(settings["external"]).removesuffix("."), TIDEGATE, "")
        if isinstance(host, Fault):
            self._wrong(at, host)
        elif host.startswith("*.") or len(settings) > 1 or name.version:
            self._wrong(
                at, Fault("an external service has one host and nothing else", "write external: db.example.org")
            )
        else:
            id_ = f"file:{name.key}:{host}"
            self._instances[id_] = Instance(
                id=id_,
                name=name.service,
                provider=self._provider,
                service=name.service,
                node=self._node,
                project=name.project,
                external=host,
            )

    def _version(self, name: _Name, settings: Mapping[Any, Any], path: Path) -> str:
        if "version" not in settings:
            return name.version or ""
        at = (*path, "version")
        version = read_name(as_text(settings["version"]))
        if isinstance(version, Fault):
            self._wrong(at, version)
            return ""
        if name.version not in (None, version):
            self._wrong(at, Fault(f"version {version} contradicts {name.version} in the name", "say it once"))
        return version

    def _release(self, settings: Mapping[Any, Any], path: Path) -> ReleasePolicy | None:
        if RELEASE not in settings:
            return None
        at = (*path, RELEASE)
        given, places = self._flat(self._mapping(settings[RELEASE], at), at)
        found = read_release(given, operator=True)
        for word, fault in found.wrong:
            self._wrong(places.get(word, at), fault)
        for word, fault in found.unknown:
            self._complaints.error("T1255", self._at(places.get(word, at)), fault.text, mend=fault.mend)
        return found.policy if given else ReleasePolicy()

    def _probe(self, data: Any, path: Path) -> ProbeSpec | None:
        if data is None:
            return None
        settings = {str(name): value for name, value in self._mapping(data, path, _PROBE).items()}
        given = {
            name: Setting(self._at((*path, name)), as_text(value)) for name, value in settings.items() if name in _PROBE
        }
        probe = read_probe(given, self._complaints)
        return None if isinstance(probe, UnreadableProbe) else probe

    # ------------------------------------------------------------------------------------------------------ routes

    def _route(self, data: Any, path: Path) -> None:
        fields = self._mapping(data, path, (*_ROUTE, CONDITIONS, *TOPS))
        if not fields:
            return
        settings = self._settings(fields, path)
        match = self._match(fields, path)
        if not fields.get("host"):
            self._missing(path, "host", "the route has no host")
        backends = self._mapping(fields.get("backends"), (*path, "backends"))
        if not backends:
            self._missing(path, "backends", "the route has no backends")
        read = [self._backend(str(name), weight, (*path, "backends", name)) for name, weight in backends.items()]
        host = self._host(fields.get("host"), (*path, "host"))
        prefix = read_path(as_text(fields.get("path")), TIDEGATE)
        if isinstance(prefix, Fault):
            self._wrong((*path, "path"), prefix)
        elif host:
            kept = tuple(backend for backend in read if backend is not None)
            spec = RouteSpec(host=host, path=prefix, backends=kept, match=match, settings=settings)
            self._keep(spec, path)

    def _host(self, value: Any, at: Path) -> str:
        if not value:
            return ""
        host = read_host(as_text(value), TIDEGATE, "")
        if isinstance(host, Fault):
            self._wrong(at, host)
            return ""
        return host

    def _settings(self, fields: Mapping[Any, Any], path: Path) -> dict[str, str]:
        """The settings among the keys of a route or of the defaults."""
        given, places = self._flat({key: value for key, value in fields.items() if _top(key) in TOPS}, path)
        reading = read_settings(given, operator=True)
        for wrong in reading.wrong:
            code = "T1255" if wrong.unknown else "T1256"
            at = places.get(wrong.name, path)
            self._complaints.error(code, self._at(at), wrong.fault.text, mend=wrong.fault.mend)
        return reading.settings

    def _match(self, fields: Mapping[Any, Any], path: Path) -> Match | None:
        """The conditions among the keys of a route."""
        given, places = self._flat({key: value for key, value in fields.items() if _top(key) == CONDITIONS}, path)
        found = read_conditions(given)
        for name, fault in found.wrong:
            self._wrong(places.get(name, path), fault)
        return found.match

    def _flat(self, said: Mapping[Any, Any], path: Path) -> tuple[dict[str, str], dict[str, Path]]:
        """Texts and places by dotted name; complains about what is no plain value."""
        given: dict[str, str] = {}
        places: dict[str, Path] = {}
        for name, keys, text in flattened(said):
            at = places[name] = (*path, *keys)
            if isinstance(text, Fault):
                self._wrong(at, text)
            elif name in given:
                self._wrong(at, Fault(f"{name} is said twice", "keep one of the two"))
            else:
                given[name] = text
        return given, places

    def _keep(self, spec: RouteSpec, path: Path) -> None:
        place = self._at(path)
        id_ = f"{spec.host}{spec.path}" + (f"#{spec.match}" if spec.match else "")
        held = self._routes.get(id_)
        if held is not None:
            text = f"route {id_} is written twice"
            self._complaints.error("T1259", place, text, cause=f"first at {held.origin}", mend="keep one of the two")
            return
        self._routes[id_] = replace(spec, origin=place)

    def _backend(self, text: str, weight: Any, at: Path) -> Backend | None:
        name = _read_key(text)
        share = read_whole(as_text(weight), 0, 1000)
        for fault in (name, share):
            if isinstance(fault, Fault):
                self._wrong(at, fault)
        if isinstance(name, Fault) or isinstance(share, Fault):
            return None
        self._backends.append((at, name))
        return Backend(service=name.key, version=name.version, weight=share)

    def _spelling_of_backends(self) -> None:
        """A backend that is not here may be a container's service, unless it looks like a slip."""
        known = {instance.key for instance in self._instances.values()}
        for at, name in self._backends:
            close = "" if name.key in known else nearest(name.key, known)
            if close:
                text = f"backend {name.key} is not in this file"
                self._complaints.warning("T1258", self._at(at), text, mend=f"did you mean {close}?")

    def _dns(self, fields: Mapping[Any, Any]) -> None:
        if "domain" not in fields:
            return
        domain = read_host(as_text(fields["domain"]).rstrip("."), TIDEGATE, "internal")
        if isinstance(domain, Fault) or domain.startswith("*."):
            self._wrong(
                ("dns", "domain"), Fault(f"{shown(fields['domain'])} is no domain", "for example mesh.internal")
            )
        else:
            self.domain = domain

    # ------------------------------------------------------------------------------------------------------ shapes

    def _mapping(self, data: Any, path: Path, known: tuple[str, ...] = ()) -> Mapping[Any, Any]:
        """`data` as a mapping, empty where it is none; complains about keys that are not `known`."""
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            self._wrong(path, Fault(f"{shown(data)} is not a mapping of names to values", "write name: value lines"))
            return {}
        for key in data if known else ():
            if key not in known and not (_top(key) in (*TOPS, CONDITIONS) and _top(key) in known):
                text = f"unknown key {shown(key)}"
                self._complaints.error("T1255", self._at((*path, key)), text, mend=meant(str(key), known))
        return data

    def _sequence(self, data: Any, path: Path) -> list[Any]:
        if data is None:
            return []
        if not isinstance(data, list):
            self._wrong(path, Fault(f"{shown(data)} is not a list", "write one line for each, with a leading hyphen"))
            return []
        return data

    def _whole(self, fields: Mapping[Any, Any], key: str, path: Path, low: int, high: int, default: int) -> int:
        if key not in fields:
            return default
        value = read_whole(as_text(fields[key]), low, high)
        if isinstance(value, Fault):
            self._wrong((*path, key), value)
            return default
        return value

    def _missing(self, path: Path, key: str, text: str) -> None:
        self._complaints.error("T1257", self._at(path), text, mend=f"add {key}")

    def _wrong(self, path: Path, fault: Fault) -> None:
        self._complaints.error("T1256", self._at(path), fault.text, mend=fault.mend)

    def _at(self, path: Path) -> str:
        return self._document.place(path)


def _top(key: Any) -> str:
    """The first word of a key that may be dotted."""
    return str(key).partition(".")[0]


def _read_key(text: str) -> _Name | Fault:
    """`[project/]service[@version]`."""
    name, at, version = text.partition("@")
    project, slash, service = name.rpartition("/")
    for part in (*((project,) if slash else ()), service, *((version,) if at else ())):
        if isinstance(fault := read_name(part), Fault):
            return Fault(f"in {shown(text)}, {fault.text}", "write [project/]service[@version]")
    return _Name(project, service, version if at else None)


def _read_address(value: Any) -> Address | Fault:
    """`127.0.0.1:80` or `[::1]:80`."""
    text = as_text(value)
    host, _, port = text.rpartition(":")
    number = read_whole(port, 1, 65535)
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        literal = ipaddress.ip_address(bare)
    except ValueError:
        return Fault(f"{shown(text)} is not an address", "write an IP address and a port, such as 127.0.0.1:9001")
    if isinstance(number, Fault) or (literal.version == 6) == (bare == host):
        return Fault(f"{shown(text)} is not an address with a port", "such as 127.0.0.1:9001 or [::1]:9001")
    return Address(host=str(literal), port=number)
