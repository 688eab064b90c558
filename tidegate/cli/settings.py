"""From flags, `TIDEGATE_*` variables, `tidegate.yaml` and defaults to one `Config` that knows where each value came from.

Nearer wins: flag, then variable, then file, then default; a list is replaced whole, never merged. Every fault is
collected before anything is refused, so that one run shows them all.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tidegate.cli import address
from tidegate.cli.catalogue import BY_KEY, BY_VARIABLE, SETTINGS, Setting
from tidegate.cli.reading import OFF
from tidegate.config import Config
from tidegate.errors import ConfigError, Problem, Severity
from tidegate.model import Address
from tidegate.value import Value

CLIENT_VARIABLES = ("TIDEGATE_CONFIG", "TIDEGATE_TIMEOUT", "TIDEGATE_PROGRESS", "TIDEGATE_PURE", "TIDEGATE_REQUIRE_EXT")
SEARCHED = ("tidegate.yaml", "/etc/tidegate/tidegate.yaml")
KEPT = "nothing was started"
HTTPS = Address(host=address.ANY, port=8443)  # where HTTPS is served once there are certificates


class Settings(Value, frozen=True):
    """`origins` maps each key to `default`, a flag, a variable, or `file:line`; `warnings` do not stop a start."""

    config: Config
    origins: dict[str, str]
    warnings: tuple[Problem, ...] = ()


class _Found(Value, frozen=True):
    """One raw value before it is read. `place` is how a message names it."""

    value: object
    place: str


def load(flags: Mapping[str, object], environ: Mapping[str, str], file: str | None = None) -> Settings:
    """Settings from all sources. `flags` maps keys (`http.listeners`) to text, a list of texts, or None for not given.

    `file` None means $TIDEGATE_CONFIG, `./tidegate.yaml` or `/etc/tidegate/tidegate.yaml`, whichever is there first.
    Raises ConfigError with every fault found.
    """
    problems: list[Problem] = []
    found: dict[str, _Found] = {}
    found.update(_from_defaults(environ))
    found.update(_from_file(file or environ.get("TIDEGATE_CONFIG"), problems))
    found.update(_from_environ(environ, problems))
    found.update(_from_flags(flags))
    if "dns.domain" not in found:
        found.update(_from_statics(found))
    values = _read_all(found, problems)
    if values.get("tls.certificates") and "http.tls_listeners" not in found:
        values["http.tls_listeners"] = (HTTPS,)
    config = _build(values)
    problems.extend(_crossed(config, found))
    errors = tuple(problem for problem in problems if problem.severity is Severity.ERROR)
    if errors:
        raise ConfigError(*problems)
    origins = {setting.key: found[setting.key].place if setting.key in found else "default" for setting in SETTINGS}
    return Settings(config=config, origins=origins, warnings=tuple(problems))


def default_state(environ: Mapping[str, str], uid: int) -> str:
    """State folder of the user `uid`: the system's for root, else below the home folder."""
    if uid == 0:
        return "/var/lib/tidegate"
    base = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/tmp")) / ".local" / "state")  # noqa: S108  no home
    return f"{base}/tidegate"


def shown(setting: Setting, config: Config) -> object:
    """The effective value as plain data, a secret only as set or not."""
    value = _field(config, setting.key)
    if setting.secret:
        return "(set)" if value else ""
    if setting.masked is not None:
        return setting.masked(value)
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value


# ------------------------------------------------------------------------------------------------------ the sources


def _from_defaults(environ: Mapping[str, str]) -> dict[str, _Found]:
    found = {"state.folder": _Found(value=default_state(environ, os.geteuid()), place="default")}
    if environ.get("DOCKER_HOST"):
        found["docker.urls"] = _Found(value=environ["DOCKER_HOST"], place="DOCKER_HOST")
    if environ.get("DOCKER_TLS_VERIFY") and environ.get("DOCKER_CERT_PATH"):
        found["docker.tls_folder"] = _Found(value=environ["DOCKER_CERT_PATH"], place="DOCKER_CERT_PATH")
    if environ.get("DOCKER_API_VERSION"):
        found["docker.api_version"] = _Found(value=environ["DOCKER_API_VERSION"], place="DOCKER_API_VERSION")
    return found


def _from_flags(flags: Mapping[str, object]) -> dict[str, _Found]:
    given = {key: value for key, value in flags.items() if value is not None and value != ()}
    return {key: _Found(value=value, place=BY_KEY[key].flag) for key, value in given.items()}


def _from_environ(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    for name in sorted(environ):
        if name in BY_VARIABLE:
            _take_variable(name, environ[name], found, problems)
        elif name.startswith("TIDEGATE_") and name not in CLIENT_VARIABLES:
            text, mend = f"unknown variable {name}", _nearest(name, BY_VARIABLE)
            problems.append(
                Problem(code="T1011", text=text, mend=mend, kept="it is ignored", severity=Severity.WARNING)
            )
    return found


def _take_variable(name: str, value: str, found: dict[str, _Found], problems: list[Problem]) -> None:
    setting = BY_VARIABLE[name]
    if setting.key == "admin.listeners" and value.startswith(("unix:", "/")):
        text = "TIDEGATE_ADMIN names a socket file, which tells the other verbs whom to ask, not where to listen"
        problems.append(
            Problem(code="T1003", text=text, place=name, kept="it is ignored here", severity=Severity.WARNING)
        )
        return
    found[setting.key] = _Found(value=_several(setting, value) if setting.many else value, place=name)


def _several(setting: Setting, value: str) -> object:
    """The items of a list in one variable, parted by blanks or commas; by blanks alone where an item may have commas."""
    return (value if "," in setting.meta else value.replace(",", " ")).split() or [""]


def _from_file(name: str | None, problems: list[Problem]) -> dict[str, _Found]:
    path = name or next((path for path in SEARCHED if Path(path).is_file()), None)
    if path is None:
        return {}
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8 text"
        problems.append(
            Problem(code="T1004", text="the settings file cannot be read", place=path, cause=cause, kept=KEPT)
        )
        return {}
    from tidegate import yamlfile  # noqa: PLC0415  the parser costs 20 ms, and most starts have no file

    document = yamlfile.load(text, path)
    problems.extend(document.problems)
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        problems.append(Problem(code="T1002", text="settings are a mapping of names to values", place=path, kept=KEPT))
        return {}
    return _flatten(document, document.data, (), problems)


def _from_statics(found: Mapping[str, _Found]) -> dict[str, _Found]:
    """What the static files say of settings: their `dns.domain`, where nothing nearer does."""
    files = [item for item in _items(found["files"].value) if isinstance(item, str)] if "files" in found else []
    if not files:
        return {}
    from tidegate.cli.domain import domain_of  # noqa: PLC0415  the parser again

    domain, place = domain_of(files)
    return {"dns.domain": _Found(value=domain, place=place)} if domain else {}


def _flatten(document: Any, data: dict[Any, Any], above: tuple[str, ...], problems: list[Problem]) -> dict[str, _Found]:
    """Dotted keys of a tree; a key nobody knows becomes a problem with the nearest known one beside it."""
    sections = {key.rpartition(".")[0] for key in BY_KEY} - {""}
    found: dict[str, _Found] = {}
    for name, value in data.items():
        path = (*above, str(name))
        key, place = ".".join(path), document.place((*above, name))
        if key in BY_KEY:
            found[key] = _Found(value=value, place=place)
        elif key in sections and isinstance(value, dict):
            found.update(_flatten(document, value, path, problems))
        elif key in sections:
            if value is not None:
                problems.append(Problem(code="T1002", text=f"{key} is a section, not a value", place=place, kept=KEPT))
        else:
            known = [*BY_KEY, *sections]
            problems.append(
                Problem(code="T1001", text=f"unknown setting {key}", place=place, mend=_nearest(key, known), kept=KEPT)
            )
    return found


def _nearest(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "tidegate config show lists every setting"


# ------------------------------------------------------------------------------------------------ reading and joining


def _read_all(found: dict[str, _Found], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, raw in found.items():
        setting = BY_KEY[key]
        items = _items(raw.value) if setting.many else (raw.value,)
        read = [_read_one(setting, item, raw.place, problems) for item in items]
        values[key] = tuple(item for item in read if item is not None) if setting.many else read[0]
    return {key: value for key, value in values.items() if value is not None}


def _items(value: object) -> Sequence[object]:
    items: Sequence[object] = value if isinstance(value, list | tuple) else (value,)
    if len(items) == 1 and (items[0] is None or items[0] is False or str(items[0]).strip().lower() in ("", *OFF)):
        return ()
    return items


def _read_one(setting: Setting, value: object, place: str, problems: list[Problem]) -> Any:
    """The value as its field wants it; None after noting why it cannot be."""
    try:
        return setting.read(_plain(value))
    except ValueError as error:
        code = "T1003" if setting.meta in ("ADDR:PORT", "ADDR") else "T1002"
        text = f"{setting.key} cannot be {_quoted(setting, value)}: {error}"
        problems.append(Problem(code=code, text=text, place=place, mend=_meant(setting), kept=KEPT))
        return None


def _meant(setting: Setting) -> str:
    if setting.meta == "ADDR:PORT":
        return "write it as 8080, 127.0.0.1:8080 or [::1]:8080"
    return f"{setting.key}: {setting.help}"


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value).strip()
    raise ValueError("one value is expected here, not a list or a mapping")


def _quoted(setting: Setting, value: object) -> str:
    text = "that" if setting.secret or setting.masked else str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _build(values: dict[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, field = key.rpartition(".")
        sections.setdefault(section, {})[field] = value
    config = msgspec.structs.replace(Config(), **sections.pop("", {}))
    built = {name: msgspec.structs.replace(getattr(config, name), **fields) for name, fields in sections.items()}
    return msgspec.structs.replace(config, **built)


def _field(config: Config, key: str) -> Any:
    value: Any = config
    for step in key.split("."):
        value = getattr(value, step)
    return value


# ------------------------------------------------------------------------------------- what must hold between settings


def _crossed(config: Config, found: dict[str, _Found]) -> list[Problem]:
    return [
        *_twice(config, found),
        *_open_admin(config, found),
        *_own_names_forwarded(config, found),
    ]


def _twice(config: Config, found: dict[str, _Found]) -> list[Problem]:
    taken: dict[tuple[str, int], str] = {}
    problems: list[Problem] = []
    for key in ("http.listeners", "http.tls_listeners", "admin.listeners"):
        for where in _field(config, key):
            holder = _holder(taken, where)
            if holder and where.port:
                text = f"{key} and {holder} both listen on {where}"
                place = found[key].place if key in found else "default"
                problems.append(
                    Problem(code="T1005", text=text, place=place, mend="give each an address of its own", kept=KEPT)
                )
            taken[(where.host, where.port)] = key
    return problems


def _holder(taken: dict[tuple[str, int], str], where: Address) -> str:
    """Who already has this port, on this address or on all of them."""
    for (host, port), key in taken.items():
        if port == where.port and (host == where.host or "0.0.0.0" in (host, where.host)):  # noqa: S104  a comparison
            return key
    return ""


def _open_admin(config: Config, found: dict[str, _Found]) -> list[Problem]:
    exposed = [where for where in config.admin.listeners if not address.is_loopback(where)]
    if not exposed or config.admin.token:
        return []
    text = f"the admin API on {exposed[0]} can be reached from other hosts and no token is set"
    place = found["admin.listeners"].place
    mend = "set --token, TIDEGATE_TOKEN or admin.token, or listen on 127.0.0.1"
    return [Problem(code="T1006", text=text, place=place, mend=mend, kept=KEPT)]


def _own_names_forwarded(config: Config, found: dict[str, _Found]) -> list[Problem]:
    """Names of our zone never leave, so nobody else can be said to know them."""
    own = "." + config.dns.domain.strip(".").lower()
    return [
        Problem(
            code="T1809",
            text=f"names of {each.zone} are in our own zone {own[1:]} and never forwarded",
            place=found["dns.forward_zones"].place,
            mend="name another zone in dns.forward_zones, or have dns.domain be another one",
            kept=KEPT,
        )
        for each in config.dns.forward_zones
        if ("." + each.zone).endswith(own)
    ]
