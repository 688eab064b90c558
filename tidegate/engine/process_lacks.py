"""What of a `ContainerSpec` a local process cannot be given (pure).

A process has no file system, network or kernel limits of its own: what asks for one is named, so that nobody relies on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.engine.spec import ContainerSpec, Isolation, Limits
from tidegate.errors import Problem, Severity

# Fields of a spec that say something only to a container, and what holds instead.
_FIELDS = {
    "domainname": "a process has the host's domain",
    "mounts": "it sees the host's own files",
    "tmpfs": "it sees the host's own files",
    "dns": "it asks the host's resolvers",
    "dns_search": "it asks the host's resolvers",
    "dns_options": "it asks the host's resolvers",
    "extra_hosts": "it has the host's /etc/hosts",
    "init": "nobody reaps what it leaves behind",
    "tty": "its output is a pipe",
    "stdin_open": "it has no input",
    "platform": "it runs on this host's processor",
}


def lacking(spec: ContainerSpec) -> tuple[Problem, ...]:
    """A warning that names all of it; empty where the process can be given everything."""
    said = [*_fields(spec), *_parts(spec.limits, Limits()), *_parts(spec.isolation, Isolation())]
    if not said:
        return ()
    text = f"without Docker {spec.name} runs as a local process, which does without: {', '.join(said)}"
    mend = "run it with a Docker Engine, if it relies on them"
    return (Problem(code="T1124", text=text, place=spec.name, mend=mend, severity=Severity.WARNING),)


def unable(spec: ContainerSpec) -> Problem | None:
    """Why it cannot be run at all."""
    if any(spec.entrypoint) or spec.command:
        return None
    return Problem(
        code="T1121",
        text=f"{spec.name} names no command, and without Docker its image has none to give",
        place=spec.name,
        mend="give the service a command, or run it with a Docker Engine",
    )


def _fields(spec: ContainerSpec) -> Iterator[str]:
    for name, instead in _FIELDS.items():
        if getattr(spec, name) not in ("", (), {}, False, None):
            yield f"{name} ({instead})"
    if spec.healthcheck.test and spec.healthcheck.test != ("NONE",):
        yield "healthcheck (give it a probe by label: tidegate.probe.cmd)"
    if spec.logging.driver or spec.logging.options:
        yield "logging (its last lines are kept in memory)"
    if any(each.host_port or each.protocol != "tcp" for each in spec.publish):
        yield "ports of the host (its own address is reached as it is)"
    if spec.network_mode not in ("", "host", "bridge"):
        yield f"network_mode {spec.network_mode}"


def _parts(value: Limits | Isolation, nothing: Limits | Isolation) -> Iterator[str]:
    for name in value.__struct_fields__:
        if getattr(value, name) != getattr(nothing, name):
            yield name
