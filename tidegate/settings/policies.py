"""The policy that settings amount to, and the settings that amount to a policy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from tidegate.policy import (
    Balance,
    BasicAuth,
    ClientCertificates,
    Compress,
    Cors,
    Ejection,
    Filters,
    ForwardAuth,
    HeaderEdits,
    Limits,
    Policy,
    RateLimit,
    Redirect,
    Retry,
    Timeouts,
    TlsPolicy,
    UpstreamTls,
)
from tidegate.settings.fault import Fault
from tidegate.settings.layers import OFF
from tidegate.settings.rows import NAMED, ROWS
from tidegate.settings.vocabulary import HEADS, named_of

DEFAULT = Policy()
_SECTIONS: dict[str, type[Struct]] = {
    "balance": Balance,
    "limits": Limits,
    "retry": Retry,
    "ejection": Ejection,
    "timeouts": Timeouts,
    "tls": TlsPolicy,
}
# Filters that are values of their own, with the family that says them.
_FILTERS: dict[str, tuple[str, type[Struct]]] = {
    "rate": ("filter.rate", RateLimit),
    "cors": ("filter.cors", Cors),
    "redirect": ("filter.redirect", Redirect),
    "basic_auth": ("filter.basic_auth", BasicAuth),
    "forward_auth": ("filter.forward_auth", ForwardAuth),
    "compress": ("filter.compress", Compress),
    "request_headers": ("filter.header.request", HeaderEdits),
    "response_headers": ("filter.header.response", HeaderEdits),
}


def policy_of(settings: Mapping[str, str]) -> Policy:
    """The policy of canonical settings; what is not said, or cannot be read, is built-in."""
    if not settings:
        return DEFAULT
    given = _fields(settings)
    if "clients" in given.get("tls", {}):
        clients = given["tls"]["clients"]
        given["tls"]["clients"] = ClientCertificates(**clients) if "authority" in clients else None
    made: dict[str, Any] = {name: kind(**given[name]) for name, kind in _SECTIONS.items() if name in given}
    if "filters" in given:
        made["filters"] = _filters(given["filters"], settings)
    made["upstream_tls"] = _upstream(given.get("upstream_tls"))
    if "access_log" in given:
        made["access_log"] = given["access_log"]
    return Policy(**made)


def _fields(settings: Mapping[str, str]) -> dict[str, Any]:
    """Values by the fields they lead to, nested as the policy is; those with a name of the user's in a mapping by it."""
    found: dict[str, Any] = {}
    for name, text in settings.items():
        for way, value in _value(name, text):
            node = found
            for step in way[:-1]:
                node = node.setdefault(step, {})
            node[way[-1]] = value
    if settings.get("filter.compress", OFF) != OFF:
        found.setdefault("filters", {}).setdefault("compress", {})
    return found


def _value(name: str, text: str) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The way to a setting's field and its value; nothing where it is unknown or wrong."""
    row, named = ROWS.get(name), named_of(name)
    if row is not None:
        value = row.kind.read(text)
        if not isinstance(value, Fault):
            yield row.field, value
    elif named is not None:
        word, value = named.key.read(name[len(named.prefix) :]), named.kind.read(text)
        if not isinstance(word, Fault) and not isinstance(value, Fault):
            yield (*named.field, word), value


def _filters(given: dict[str, Any], settings: Mapping[str, str]) -> Filters:
    for name, (head, kind) in _FILTERS.items():
        if name in given:
            needs = HEADS[head].needs
            complete = not needs or any(need in settings for need in needs)
            given[name] = kind(**_sorted(given[name])) if complete and _has_required(kind, given[name]) else None
    return Filters(**_sorted(given))


def _sorted(given: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings by names of the user's as sorted pairs."""
    return {name: tuple(sorted(value.items())) if isinstance(value, dict) else value for name, value in given.items()}


def _has_required(kind: type[Struct], given: Mapping[str, Any]) -> bool:
    return all(field.encode_name in given for field in fields(kind) if field.required)


def _upstream(given: dict[str, Any] | None) -> UpstreamTls | None:
    if given is None or given.pop("scheme", "https") == "http":
        return None
    return UpstreamTls(**given)


def settings_of(policy: Policy) -> dict[str, str]:
    """The settings by which `policy` differs from the built-in one, by name."""
    found: dict[str, str] = {}
    for name, row in ROWS.items():
        holder = _at(policy, row.field[:-1])
        if holder is None or name == "upstream.scheme":
            continue
        value = getattr(holder, row.field[-1])
        if name == "filter.forward_auth.url" and holder.service:
            continue  # where that service is now
        if value != _default(holder, row.field[-1]):
            found[name] = row.kind.show(value)
    for named in NAMED:
        pairs = _at(policy, named.field) or ()
        found |= {named.prefix + named.key.show(word): named.kind.show(value) for word, value in pairs}
    if policy.upstream_tls is not None:
        found["upstream.scheme"] = "https"
    if policy.filters.compress == Compress():
        found["filter.compress"] = "on"
    return found


def _at(policy: Policy, way: tuple[str, ...]) -> Any:
    """What stands in the policy at the end of `way`; None where something on it does."""
    holder: Any = policy
    for step in way:
        if holder is None:
            return None
        holder = getattr(holder, step)
    return holder


def _default(holder: Struct, name: str) -> Any:
    return next((field.default for field in fields(holder) if field.name == name), NODEFAULT)
