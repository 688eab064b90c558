"""Parameters of requests to the Docker Engine, in the form that old and new versions take (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

EVENT_TYPES = ("container", "network", "daemon", "image", "volume")
# exec_*, attach, top and resize stay at the engine: every health probe of every container makes three of them.
EVENT_ACTIONS = (
    "start", "die", "kill", "stop", "pause", "unpause", "rename", "update", "destroy", "health_status", "connect",
    "disconnect", "reload", "oom", "restart",
    "pull", "tag", "untag", "delete", "import", "load",  # of images
    "mount",  # of volumes: the first time is when there is something in it
)  # fmt: skip


def event_filters() -> str:
    """The `filters` parameter in the form every engine takes, old and new, Docker and Podman."""
    return filters({"type": EVENT_TYPES, "event": EVENT_ACTIONS})


def filters(wanted: Mapping[str, Iterable[str]]) -> str:
    """Any `filters` parameter: key to set of values."""
    return json.dumps({key: dict.fromkeys(values, True) for key, values in wanted.items()})


def since(time_ns: int) -> str:
    """Nanoseconds since the epoch as the engine reads them, `seconds.nanoseconds`."""
    return f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d}"
