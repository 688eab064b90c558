"""What `doctor` looks at: each check looks at one thing on this host, changes nothing, and returns findings with a mend."""

from __future__ import annotations

import errno
import http.client
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from tidegate.cli.client import Admin
from tidegate.cli.version import compilable, module_forms
from tidegate.config import Config, DockerConfig
from tidegate.errors import TidegateError
from tidegate.model import Address
from tidegate.value import Value

OK, WARNING, BROKEN = "ok", "warning", "broken"
WANTED_FILES = 4096  # two descriptors a proxied request, some thousand requests at once
OLDEST_API = (1, 24)


class Finding(Value, frozen=True):
    """One line of the report. `state` is ok, warning (works, but look) or broken (does not work)."""

    check: str
    state: str
    text: str
    mend: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """All checks, in the order of the report."""
    running = running_version(config)
    yield _python()
    yield _event_loop()
    yield _compiled()
    yield from _ports(config, running)
    yield from _engines(config.docker)
    yield _files()
    yield _state(Path(config.state.folder))


def running_version(config: Config) -> str:
    """Version of the Tidegate that already answers on our admin address, or nothing."""
    for where in config.admin.listeners:
        try:
            answer = Admin((where.host, where.port), config.admin.token, 1.0).get("/v1/status")
        except TidegateError as error:
            if error.problems[0].code == "T1705":
                return "(unknown version)"
            continue
        return str(answer.get("version", "(unknown version)")) if isinstance(answer, dict) else ""
    return ""


# ----------------------------------------------------------------------------------------------------- the program


def _python() -> Finding:
    return Finding(check="python", state=OK, text=f"{platform.python_implementation()} {platform.python_version()}")


def _event_loop() -> Finding:
    try:
        version = importlib.metadata.version("uvloop")
    except importlib.metadata.PackageNotFoundError:
        return Finding(check="uvloop", state=BROKEN, text="not installed", mend="pip install uvloop")
    return Finding(check="uvloop", state=OK, text=version)


def _compiled() -> Finding:
    forms = module_forms(compilable())
    pure = sorted(name for name, form in forms.items() if form == "pure")
    if not pure:
        return Finding(check="modules", state=OK, text=f"all {len(forms)} compiled")
    compiler = shutil.which("cc") or shutil.which("gcc")
    why = "there was none when it was installed, or TIDEGATE_PURE=1 was set" if compiler else "there is no C compiler"
    mend = "reinstall: pip install --force-reinstall --no-deps tidegate"
    if not compiler:
        mend = "apt-get install gcc python3-dev, then " + mend
    text = f"{len(pure)} of {len(forms)} run as pure Python, which is slower: {why}"
    return Finding(check="modules", state=WARNING, text=text, mend=mend)


# ------------------------------------------------------------------------------------------------------- the ports


def _ports(config: Config, running: str) -> Iterator[Finding]:
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    for name, addresses, kinds in (
        ("http", config.http.listeners, (stream,)),
        ("https", config.http.tls_listeners, (stream,)),
        ("dns", config.dns.listeners, (datagram, stream)),
        ("admin", config.admin.listeners, (stream,)),
    ):
        for address in addresses:
            yield _port(name, address, kinds, running)


def _port(name: str, address: Address, kinds: tuple[int, ...], running: str) -> Finding:
    check = f"port {name}"
    for kind in kinds:
        error = bind_error(address, kind)
        if error is None:
            continue
        protocol = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        if error.errno == errno.EADDRINUSE and running:
            return Finding(check=check, state=OK, text=f"{address} in use, Tidegate {running} is running")
        text = f"cannot listen on {address} ({protocol}): {os.strerror(error.errno or 0)}"
        return Finding(check=check, state=BROKEN, text=text, mend=_port_mend(name, address, protocol, error))
    return Finding(check=check, state=OK, text=f"{address} is free")


def bind_error(address: Address, kind: int) -> OSError | None:
    """Why this address cannot be bound now; None where it can."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
            if kind == socket.SOCK_STREAM:
                probe.listen(1)
    except OSError as error:
        return error
    return None


def _port_mend(name: str, address: Address, protocol: str, error: OSError) -> str:
    if error.errno == errno.EACCES:
        return (
            f"ports below 1024 need a right: setcap, AmbientCapabilities=CAP_NET_BIND_SERVICE, or --{name} above 1023"
        )
    if error.errno == errno.EADDRINUSE:
        flag = "l" + protocol[0].lower()
        return f"see who has it: ss -{flag}np 'sport = :{address.port}'; stop that, or choose another with --{name}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"no interface of this host has {address.host}; choose another with --{name}"
    return f"choose another with --{name}"


# --------------------------------------------------------------------------------------------------------- the rest


def _engines(config: DockerConfig) -> Iterator[Finding]:
    if not config.urls:
        yield Finding(check="docker", state=OK, text="switched off")
    for url in config.urls:
        yield _engine(url)


def _engine(url: str) -> Finding:
    path = url.removeprefix("unix://")
    try:
        answer = _ask_engine(url)
    except (OSError, http.client.HTTPException, ValueError) as error:
        if not url.startswith("unix://"):
            mend = "is that engine up, and does its address allow us? see --docker"
            return Finding(check="docker", state=BROKEN, text=f"{url}: {error}", mend=mend)
        return _socket_fault(Path(path), error)
    api = str(answer.get("ApiVersion", "0.0"))
    text = f"{url}: Docker {answer.get('Version', '?')}, API {api}{_mode(Path(path))}"
    numbers = tuple(int(part) for part in api.split(".") if part.isdigit())
    if numbers < OLDEST_API:
        return Finding(check="docker", state=BROKEN, text=text, mend="Tidegate needs API 1.24 (Docker 1.12) or later")
    return Finding(check="docker", state=OK, text=text)


def _socket_fault(path: Path, error: Exception) -> Finding:
    if not path.exists():
        mend = "start Docker, name its socket with --docker, or do without: --no-docker"
        return Finding(check="docker", state=BROKEN, text=f"{path} does not exist", mend=mend)
    if isinstance(error, PermissionError):
        text = f"{path} may not be opened by uid {os.geteuid()}{_mode(path)}"
        mend = f"add the user to the socket's group (usermod -aG {_group(path)} USER), then log in again"
        return Finding(check="docker", state=BROKEN, text=text, mend=mend)
    mend = "is dockerd running? systemctl status docker"
    return Finding(check="docker", state=BROKEN, text=f"{path} does not answer: {error}", mend=mend)


def _ask_engine(url: str) -> dict[str, object]:
    where: str | tuple[str, int]
    if url.startswith("unix://"):
        where = url.removeprefix("unix://")
    else:
        host, _, port = url.partition("://")[2].rstrip("/").rpartition(":")
        where = (host.strip("[]") or port, int(port) if host else 2375)
    connection = Admin(where, "", 3.0).connection(3.0)
    try:
        connection.request("GET", "/version")
        answer = json.loads(connection.getresponse().read(1 << 20))
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("what answers there is not a Docker Engine")  # noqa: TRY004  an answer, not an argument
    return answer


def _mode(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:
        return ""
    return f" (mode {stat.S_IMODE(facts.st_mode):04o}, uid {facts.st_uid}, gid {facts.st_gid})"


def _group(path: Path) -> str:
    try:
        return path.group()
    except (KeyError, OSError):
        return "docker"


def _files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else 1 << 20
    if most < WANTED_FILES:
        text = f"at most {most} open files, fewer than {WANTED_FILES}"
        return Finding(check="open files", state=WARNING, text=text, mend="LimitNOFILE=65536 in the unit, or ulimit -n")
    return Finding(check="open files", state=OK, text=f"{soft}, may be raised to {most}")


def _state(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return Finding(
            check="state", state=BROKEN, text=f"{existing} is not a folder", mend="name another with --state"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written by uid {os.geteuid()}{_mode(existing)}"
        return Finding(check="state", state=BROKEN, text=text, mend="name another with --state, or change its owner")
    free = shutil.disk_usage(existing).free
    if free < 64 << 20:
        return Finding(check="state", state=WARNING, text=f"{folder}: less than 64 MiB free", mend="make room")
    return Finding(check="state", state=OK, text=f"{folder} {'is writable' if existing == folder else 'can be made'}")
