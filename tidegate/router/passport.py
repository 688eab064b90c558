"""What a router shows to another node's router that it asks for a connection to an endpoint there. Pure.

    CONNECT <endpoint> HTTP/1.1
    Host: <node asked>
    Tidegate-Service: <service>
    Proxy-Authorization: Tidegate <node that asks> <seconds since the epoch> <mac>

In place of an endpoint, and without a service, stands `figures` or `logs` for a desk of the control there. The mac is an HMAC-SHA256 over who asks whom for what and when, with a secret of the cluster. Names are percent-encoded.

The answer, also one that refuses, has `Tidegate-Time`: who is asked says what his clock shows, in seconds since the epoch.
"""

from __future__ import annotations

import hmac
from urllib.parse import quote, unquote

from tidegate.value import Value

VALID_SECONDS = 60.0  # either way: as far as the clocks of nodes may differ
MAX_HEAD_BYTES = 4096
FIGURES, LOGS = "figures", "logs"  # no endpoint is called so: those have a port
_SCHEME = "Tidegate"
_TIME = b"Tidegate-Time"


class Asking(Value):
    """A request for a connection: `node` asks `to` for an endpoint of a service, at `when` (seconds since the epoch)."""

    node: str
    to: str
    service: str
    endpoint: str
    when: int


def written(asking: Asking, secret: bytes) -> bytes:
    """The head that asks."""
    lines = (
        f"CONNECT {quote(asking.endpoint, safe=':')} HTTP/1.1",
        f"Host: {quote(asking.to, safe='')}",
        f"Tidegate-Service: {quote(asking.service)}",
        f"Proxy-Authorization: {_SCHEME} {quote(asking.node, safe='')} {asking.when} {_mac(asking, secret)}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def time_line(now: float) -> bytes:
    """What an answer says of the clock."""
    return b"%b: %.3f\r\n" % (_TIME, now)


def time_of(answer: bytes) -> float | None:
    """What an answer says of the clock; None where it says nothing, as routers of earlier versions."""
    for line in answer.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name == _TIME and value[:20].replace(b".", b"", 1).isdigit():
            return float(value[:20])
    return None


def read(head: bytes, own: str, secret: bytes, now: float) -> Asking | None:
    """Who asks us, node `own`, for what; None for whatever does not show that it may."""
    request, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = request.partition(" ")
    target, _, version = rest.partition(" ")
    fields = dict(line.partition(": ")[::2] for line in lines if line)
    scheme, *proof = fields.get("Proxy-Authorization", "").split(" ")
    if (method, version, scheme, len(proof)) != ("CONNECT", "HTTP/1.1", _SCHEME, 3) or not proof[1].isdecimal():
        return None
    asking = Asking(
        node=unquote(proof[0]),
        to=own,
        service=unquote(fields.get("Tidegate-Service", "")),
        endpoint=unquote(target),
        when=int(proof[1][:16]),
    )
    fresh = abs(now - asking.when) <= VALID_SECONDS
    return asking if hmac.compare_digest(_mac(asking, secret), proof[2]) and fresh and secret else None


def _mac(asking: Asking, secret: bytes) -> str:
    said = "\n".join((asking.node, asking.to, asking.service, asking.endpoint, str(asking.when)))
    return hmac.new(secret, said.encode(), "sha256").hexdigest()
