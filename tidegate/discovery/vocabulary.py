"""Every label name there is: applied, known but not applied, and what a misspelt one was meant to be. Pure.

docs/labels.md is the same vocabulary for users.
"""

from __future__ import annotations

import re

from tidegate.discovery.elastic import MISPRINTED, scaling_names
from tidegate.discovery.elastic import TOP as SCALING
from tidegate.discovery.probe import NAMES as PROBE_NAMES
from tidegate.discovery.probe import WAYS
from tidegate.discovery.releasing import TOP as RELEASE
from tidegate.discovery.releasing import is_word, release_names
from tidegate.settings.conditions import TOP as CONDITIONS
from tidegate.settings.fault import nearest
from tidegate.settings.vocabulary import TOPS, all_names, family_of

PREFIXES = ("aliyun.", "tidegate.")
_PORT_SETTING = re.compile(r"tidegate\.port_([^.]*)\.(.+)", re.DOTALL)
PORT_LABEL = re.compile(r"(?:aliyun|tidegate)\.routing\.port_(.*)", re.DOTALL)

_BOTH = ("scale", "routing.session_sticky")
_RELEASE_LABEL = f"tidegate.{RELEASE}."
# What counts where a stack is put up; on a container made by others it says nothing.
_STACK = ("global", "depends", "latest_image", "exclusive", "account", "gpu")
_ROLLING = ("aliyun.rolling_updates", "aliyun.rolling_updates.parallelism")
_ALIYUN_PROBE = ("url", "cmd", "timeout_seconds", "initial_delay_seconds")
_OWN = (
    "enable",
    "service",
    "version",
    "weight",
    "network",
    "host",
    "port",
    "dns",
    "dns.fallback",
    "dns.txt",
    "dns.ttl",
)

APPLIED = frozenset(
    {
        *(f"aliyun.{name}" for name in _BOTH),
        *(f"aliyun.probe.{name}" for name in _ALIYUN_PROBE),
        *(f"tidegate.{name}" for name in (*_BOTH, *_OWN)),
        *(f"tidegate.probe.{name}" for name in PROBE_NAMES),
        *_ROLLING,
        *(f"{prefix}.{name}" for prefix in ("aliyun", "tidegate") for name in _STACK),
        "tidegate.reschedule",
        *(_RELEASE_LABEL + name for name in release_names()),
        *(f"{prefix}.{SCALING}.{name}" for prefix in ("aliyun", "tidegate") for name in scaling_names(prefix)),
    }
)
# Labels that decide whether or how much traffic a container gets.
DECIDING = frozenset(
    {
        "aliyun.probe.url",
        "aliyun.probe.cmd",
        *(f"tidegate.{name}" for name in ("enable", "service", "version", "weight", "network")),
        *(f"tidegate.probe.{name}" for name in WAYS),
        _ROLLING[0],
        *(_RELEASE_LABEL + name for name in release_names()),
    }
)
# Names of the original language that are known and not applied.
NOT_YET = frozenset(
    f"aliyun.{name}"
    for name in (
        *("routing.weight", "routing.ssl_cert", "routing.extra_setting", "routing.timeout_setting", "routing.worker"),
        *("routing.coexist", "addon", "reschedule", "log.timestamp", "log_project", "logs"),
        *(f"monitoring.{name}" for name in ("script", "http", "conf", "reload", "tags", "format", "interval")),
    )
)
_NOT_YET_FAMILIES = tuple(
    f"aliyun.{name}"
    for name in ("proxy.", "lb.port_", "vip.port_", "log_store_", "log_ttl_", "logs.", "monitoring.addon.")
)


def is_ours(label: str) -> bool:
    """Whether the label belongs to the language at all; others are none of our business."""
    return label.startswith(PREFIXES)


def is_applied(label: str) -> bool:
    """Whether Tidegate acts on the label."""
    return (
        label in APPLIED
        or label in MISPRINTED
        or PORT_LABEL.fullmatch(label) is not None
        or is_word(release_word(label))
    )


def release_word(label: str) -> str:
    """What a label says of its version's release, without `tidegate.release.`; empty for other labels."""
    return label.removeprefix(_RELEASE_LABEL) if label.startswith(_RELEASE_LABEL) else ""


def decides(label: str) -> bool:
    """Whether a label, known or not, is about whether or how much traffic its container gets."""
    return label in DECIDING or f"{label}.".startswith(_RELEASE_LABEL)


def is_setting(label: str) -> bool:
    """Whether the label is one of the routes' settings, known or not: `tidegate.<name>`, `tidegate.port_<n>.<name>`."""
    name = setting_of(label)[1]
    return name.partition(".")[0] in (*TOPS, CONDITIONS) or (name != "" and _PORT_SETTING.fullmatch(label) is not None)


def setting_of(label: str) -> tuple[str, str]:
    """(port as written or empty, name of the setting); the name is empty for labels that are not ours."""
    match = _PORT_SETTING.fullmatch(label)
    if match:
        return match[1], match[2]
    return "", label.removeprefix("tidegate.") if label.startswith("tidegate.") else ""


def is_protective(label: str) -> bool:
    """Whether the label is a setting without which requests would pass that should not."""
    family = family_of(setting_of(label)[1])
    return family is not None and family.protects


def is_not_yet(label: str) -> bool:
    """Whether the original system acted on the label and Tidegate does not."""
    return label in NOT_YET or label.startswith(_NOT_YET_FAMILIES)


def probably(label: str) -> str:
    """The label that an unknown one was probably meant to be, or an empty string."""
    prefix = label.partition(".")[0] + "."
    examples = {f"{prefix}routing.port_80"}
    if prefix == "tidegate.":
        examples |= {f"tidegate.{name}" for name in all_names()}
    return nearest(label, {known for known in APPLIED | NOT_YET | examples if known.startswith(prefix)})


def in_order(label: str) -> tuple[str, int, str]:
    """Sort key: by name, port labels by their number."""
    match = PORT_LABEL.fullmatch(label)
    digits = match[1] if match and match[1].isascii() and match[1].isdigit() and len(match[1]) < 10 else ""
    return (label[: match.start(1)], int(digits or 0), digits) if match and digits else (label, 0, "")
