"""The policy that settings amount to, and the settings that amount to a policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from tidegate.policy import Balance, Ejection, Limits, Policy, Retry, Timeouts, TlsPolicy, UpstreamTls
from tidegate.settings.fault import Fault
from tidegate.settings.vocabulary import ROWS

DEFAULT = Policy()
_PARTS: dict[str, type[Struct]] = {
    "balance": Balance,
    "limits": Limits,
    "retry": Retry,
    "ejection": Ejection,
    "timeouts": Timeouts,
    "tls": TlsPolicy,
}


def policy_of(settings: Mapping[str, str]) -> Policy:
    """The policy of canonical settings; what is not said, or cannot be read, is built-in."""
    if not settings:
        return DEFAULT
    given = _fields(settings)
    made: dict[str, Any] = {name: kind(**given[name]) for name, kind in _PARTS.items() if name in given}
    made["upstream_tls"] = _upstream(given.get("upstream_tls"))
    if "access_log" in given:
        made["access_log"] = given["access_log"]
    return Policy(**made)


def _fields(settings: Mapping[str, str]) -> dict[str, Any]:
    """Values by the fields they lead to, nested as the policy is."""
    found: dict[str, Any] = {}
    for name, text in settings.items():
        row = ROWS.get(name)
        value = row.kind.read(text) if row is not None else None
        if row is None or isinstance(value, Fault):
            continue
        node = found
        for step in row.field[:-1]:
            node = node.setdefault(step, {})
        node[row.field[-1]] = value
    return found


def _upstream(given: dict[str, Any] | None) -> UpstreamTls | None:
    if given is None or given.pop("scheme", "https") == "http":
        return None
    return UpstreamTls(**given)


def settings_of(policy: Policy) -> dict[str, str]:
    """The settings by which `policy` differs from the built-in one, by name."""
    found: dict[str, str] = {}
    for name, row in ROWS.items():
        holder: Any = policy
        for step in row.field[:-1]:
            holder = getattr(holder, step)
            if holder is None:
                break
        if holder is None or row.name == "upstream.scheme":
            continue
        value = getattr(holder, row.field[-1])
        if value != _default(holder, row.field[-1]):
            found[name] = row.kind.show(value)
    if policy.upstream_tls is not None:
        found["upstream.scheme"] = "https"
    return found


def _default(holder: Struct, name: str) -> Any:
    return next((field.default for field in fields(holder) if field.name == name), NODEFAULT)
