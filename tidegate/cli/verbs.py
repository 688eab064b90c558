"""The verbs, grouped as `tidegate --help` shows them. A verb's module is imported only when it is called."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """`module` is below `tidegate.cli`; the command object in it is called `attribute`."""

    name: str
    module: str
    attribute: str
    help: str


GROUPS: tuple[tuple[str, tuple[Verb, ...]], ...] = (
    (
        "Start",
        (
            Verb("serve", "serve", "serve", "Run Tidegate in the foreground."),
            Verb("demo", "demo", "demo", "Run a small example and watch its traffic."),
            Verb("doctor", "doctor", "doctor", "Look for what would keep Tidegate from working."),
        ),
    ),
    (
        "Look",
        (
            Verb("status", "status", "status", "One screen: what runs, what is wrong."),
            Verb("ls", "ls", "ls", "List services, routes, stacks, releases, what is scaled, nodes and so on."),
            Verb("show", "show", "show", "Everything known of one service or stack."),
            Verb("history", "history", "history", "Releases of a service: who, when, why, and how they ended."),
            Verb("top", "top", "top", "Live requests/s, errors and latency."),
            Verb("logs", "logs", "logs", "What the replicas of a stack's service write; -f follows."),
            Verb("events", "events", "events", "What changed, newest last; -f follows."),
            Verb("explain", "explain", "explain", "Why a URL, a container or a service is as it is."),
            Verb("resolve", "resolve", "resolve", "What our DNS answers, and from where."),
        ),
    ),
    (
        "Change",
        (
            Verb("up", "up", "up", "Put up, or change, the stack that a Compose file describes."),
            Verb("plan", "up", "plan", "Show what `up` would change."),
            Verb("down", "down", "down", "Take a stack down."),
            Verb("scale", "scale", "scale", "Run so many replicas of a stack's service."),
            Verb("quota", "quota", "quota", "Say what the services of an account may set aside."),
            Verb(
                "deploy", "deploy", "deploy", "Put another version of a service in place: rolling, blue-green, canary."
            ),
            Verb("promote", "release", "promote", "Go on with a release that waits, or skip what it waits for."),
            Verb("pause", "release", "pause", "Stop a release where it is."),
            Verb("resume", "release", "resume", "Let a paused release go on."),
            Verb("abort", "release", "abort", "Give all traffic back to the old version."),
            Verb("rollback", "release", "rollback", "Undo the last release of a service."),
            Verb("shift", "shift", "shift", "Move traffic between versions."),
            Verb("drain", "drain", "drain", "Send no new requests to an endpoint or node."),
            Verb("undrain", "drain", "undrain", "Take it back into service."),
            Verb("maint", "maint", "maint", "Answer 503 with a page for a service or route."),
            Verb("set", "setting", "set_", "Say how requests of a service or route are treated."),
            Verb("unset", "setting", "unset", "Take back what `set` said."),
            Verb("hold", "hold", "hold", "Keep requests waiting for a service or route."),
        ),
    ),
    (
        "Manage",
        (
            Verb("check", "check", "check", "Check a static file, a Compose file or a container."),
            Verb("cert", "cert", "cert", "Make certificates of a local authority, for development."),
            Verb("store", "store", "store", "Move what is stored to a cluster store."),
            Verb("config", "config", "config", "Effective settings and where each came from."),
            Verb("schema", "schema", "schema", "Print the JSON Schema of the static file."),
            Verb("completion", "completion", "completion", "Print the completion script of a shell."),
            Verb("version", "version", "version", "Print the version and how it was built."),
            Verb("help", "help", "help_", "Explain a verb or an error code."),
        ),
    ),
)

VERBS: dict[str, Verb] = {verb.name: verb for _, verbs in GROUPS for verb in verbs}
