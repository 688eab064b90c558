"""The probe of a container or static service, read from its settings. Pure.

`url` is `http://container[:port][/path]` or `tcp://container:port` with the literal word `container`, replaced by each
endpoint's own address; `cmd` is a command line run inside the container. Only one way of asking may be chosen. A probe
that cannot be read is worse than none: the caller keeps the endpoint out of traffic.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from msgspec import Struct

from tidegate.discovery.complaints import Complaints
from tidegate.model import ProbeKind, ProbeSpec
from tidegate.settings.fault import Fault, shown
from tidegate.settings.values import read_seconds, read_whole

NAMES = ("url", "cmd", "path", "port", "timeout_seconds", "initial_delay_seconds", "interval_seconds", "rise", "fall")
WAYS = ("url", "cmd", "path", "port")
_URL = re.compile(r"(http|tcp)://container(?::([0-9]+))?(/[!-~]*)?", re.IGNORECASE)
_SHELL = re.compile(r"[|&;<>()$`*?\n]")
# Longest wait that still makes sense; a longer one is a unit slip (milliseconds).
_SECONDS = {
    "timeout_seconds": (0.05, 300.0),
    "initial_delay_seconds": (0.0, 86400.0),
    "interval_seconds": (0.1, 3600.0),
}


class Setting(Struct, frozen=True):
    """One value and where it was written. `aliyun` marks the original dialect: whole seconds, HTTP on port 80."""

    at: str
    text: str
    aliyun: bool = False


class UnreadableProbe(Struct, frozen=True):
    """A probe was asked for, and it cannot be told which; the reason is among the complaints."""


def read_probe(settings: Mapping[str, Setting], complaints: Complaints) -> ProbeSpec | UnreadableProbe | None:
    """The probe of `settings` (keys of `NAMES`), None where no way of asking is set."""
    way = _way(settings, complaints)
    if way is None:
        for setting in settings.values():
            text = "no probe is set, so this has no effect"
            complaints.warning("T1206", setting.at, text, mend="set a probe url or cmd beside it")
    if way is None or isinstance(way, UnreadableProbe):
        return way
    tuned: dict[str, float] = {}
    for name, setting in settings.items():
        if name in WAYS:
            continue
        value = _number(name, setting)
        if isinstance(value, Fault):
            kept = f"the default of {getattr(way, name):g} is used"
            complaints.error("T1208", setting.at, value.text, mend=value.mend, kept=kept)
        else:
            tuned[name] = value
    return ProbeSpec(
        kind=way.kind,
        port=way.port,
        path=way.path,
        command=way.command,
        interval_seconds=tuned.get("interval_seconds", way.interval_seconds),
        timeout_seconds=tuned.get("timeout_seconds", way.timeout_seconds),
        initial_delay_seconds=tuned.get("initial_delay_seconds", way.initial_delay_seconds),
        rise=int(tuned.get("rise", way.rise)),
        fall=int(tuned.get("fall", way.fall)),
    )


def _way(settings: Mapping[str, Setting], complaints: Complaints) -> ProbeSpec | UnreadableProbe | None:
    """How to ask, with the defaults for the rest."""
    ways = [settings[name] for name in WAYS if name in settings]
    if not ways:
        return None
    found: ProbeSpec | Fault
    sugar = "path" in settings or "port" in settings
    if ("url" in settings) + ("cmd" in settings) + sugar > 1:
        names = " and ".join(setting.at for setting in ways)
        found = Fault(f"{names} are set together, but only one probe can be", "keep one of them")
    elif "url" in settings:
        found = _by_url(settings["url"])
    elif "cmd" in settings:
        found = _by_command(settings["cmd"].text)
    else:
        found = _by_parts(settings.get("path"), settings.get("port"))
    if isinstance(found, Fault):
        kept = "the container gets no traffic until the probe is right"
        complaints.error("T1207", ways[0].at, found.text, mend=found.mend, kept=kept)
        return UnreadableProbe()
    return found


def _by_url(setting: Setting) -> ProbeSpec | Fault:
    match = _URL.fullmatch(setting.text)
    if not match:
        mend = "write http://container[:port][/path] or tcp://container:port, with the word container as the host"
        return Fault(f"{shown(setting.text)} is not a probe URL", mend)
    scheme, port, path = match[1].lower(), match[2] or "", match[3] or "/"
    number = read_whole(port, 1, 65535) if port else 0
    if isinstance(number, Fault):
        return Fault(f"probe port {number.text}", number.mend)
    if scheme == "tcp":
        if not number or path != "/":
            return Fault(f"TCP probe {shown(setting.text)} needs a port and no path", "write tcp://container:port")
        return ProbeSpec(kind=ProbeKind.TCP, port=number)
    return ProbeSpec(kind=ProbeKind.HTTP, port=number or (80 if setting.aliyun else 0), path=path)


def _by_command(text: str) -> ProbeSpec | Fault:
    """Split as a shell would; a line that needs a real shell is handed to /bin/sh as it is."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        return Fault(f"command {shown(text)} cannot be split: {error}", "close the quotes")
    if not words:
        return Fault("the probe command is empty", "write a command that exits with 0 when all is well")
    return ProbeSpec(kind=ProbeKind.COMMAND, command=("/bin/sh", "-c", text) if _SHELL.search(text) else words)


def _by_parts(path: Setting | None, port: Setting | None) -> ProbeSpec | Fault:
    number = read_whole(port.text, 1, 65535) if port else 0
    if isinstance(number, Fault):
        return Fault(f"probe port {number.text}", number.mend)
    if path is None:
        return ProbeSpec(kind=ProbeKind.TCP, port=number)
    if not re.fullmatch(r"/[!-~]*", path.text):
        return Fault(f"{shown(path.text)} is not a path", "start with / and use no blanks")
    return ProbeSpec(kind=ProbeKind.HTTP, port=number, path=path.text)


def _number(name: str, setting: Setting) -> float | Fault:
    if name in ("rise", "fall"):
        return read_whole(setting.text, 1, 100)
    low, high = _SECONDS[name]
    if setting.aliyun:
        return read_whole(setting.text, 1 if low else 0, int(high))
    return read_seconds(setting.text, low, high)
