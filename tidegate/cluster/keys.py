"""The keys of the cluster in the store, one writer each.

leader                       who leads, on a lease                                  (the candidates, by comparing)
secret                       what routers of the cluster know each other by         (the first node)
indexes/<n>                  the node that is number n for good                     (the node)
nodes/<node>/live            who the node is, on its lease                          (the node)
nodes/<node>/seen/<service>/<part>   what it sees of a service, on the same lease   (the node)
nodes/<node>/stock/<kind>    what its engine holds, on the same lease               (the node)
nodes/<node>/spec            what an operator wants of it                           (the API)
"""

from __future__ import annotations

from urllib.parse import quote, unquote

LEADER = "leader"
SECRET = "secret"  # noqa: S105  where it is, not what it is
INDEXES = "indexes/"
NODES = "nodes/"

_SAFE = ":_.-"  # of a name in a key; a slash would look like the next part


def index_key(number: int) -> str:
    """Who is number `number`."""
    return f"{INDEXES}{number}"


def live_key(node: str) -> str:
    """That a node is there."""
    return f"{NODES}{quote(node, safe=_SAFE)}/live"


def spec_key(node: str) -> str:
    """What an operator wants of a node."""
    return f"{NODES}{quote(node, safe=_SAFE)}/spec"


def seen_prefix(node: str) -> str:
    """Below it is all that a node sees."""
    return f"{NODES}{quote(node, safe=_SAFE)}/seen/"


def seen_key(node: str, service: str, part: int) -> str:
    """One part of what a node sees of a service."""
    return f"{seen_prefix(node)}{quote(service, safe=_SAFE)}/{part}"


def stock_prefix(node: str) -> str:
    """Below it is what a node's engine holds, by kind."""
    return f"{NODES}{quote(node, safe=_SAFE)}/stock/"


def stock_key(node: str, kind: str) -> str:
    """What of one kind a node's engine holds."""
    return f"{stock_prefix(node)}{kind}"


def parse(key: str) -> tuple[str, str, str]:
    """Node, kind (`live`, `spec`, `seen`, `stock`) and service (of `seen`) or kind of thing (of `stock`) of a key below `nodes/`; all empty for another one."""
    match key.split("/"):
        case ["nodes", node, ("live" | "spec") as kind]:
            return unquote(node), kind, ""
        case ["nodes", node, "seen", service, part] if part.isdigit():
            return unquote(node), "seen", unquote(service)
        case ["nodes", node, "stock", what]:
            return unquote(node), "stock", what
    return "", "", ""
