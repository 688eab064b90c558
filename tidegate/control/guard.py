"""Who may ask the admin API: checks before any handler runs.

By file mode on the Unix socket; by loopback and `Host` (against DNS rebinding) without a token; by token wherever one is
set, and always off loopback. Changing methods must not come from a foreign page.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from tidegate.config import AdminConfig
from tidegate.control.refusal import refuse
from tidegate.errors import ConfigError, Problem
from tidegate.model import Address

OPEN = frozenset({"/healthz", "/readyz"})  # a prober needs no token, and learns one word
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def check_config(config: AdminConfig) -> None:
    """Refuse to start where strangers could reach the API without a token (T1601)."""
    exposed = [each for each in config.listeners if not is_loopback(each)]
    if exposed and not config.token:
        raise ConfigError(
            Problem(
                code="T1601",
                text=f"the admin API would listen on {exposed[0]} without a token",
                place="admin.listeners",
                cause="the address is not loopback, and who can reach it could move traffic",
                mend="set admin.token (TIDEGATE_TOKEN), or listen on 127.0.0.1",
            )
        )


def is_loopback(address: Address) -> bool:
    """Whether only this host reaches the address."""
    return address.host == "localhost" or _is_loopback_literal(address.host)


def _is_loopback_literal(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_local(request: web.Request) -> bool:
    """Whether the request came by the Unix socket."""
    transport = request.transport
    peer = transport.get_extra_info("socket") if transport is not None else None
    return peer is not None and peer.family == socket.AF_UNIX


def who(request: web.Request) -> str:
    """How the journal calls the one who asks."""
    transport = request.transport
    if transport is not None and is_local(request):
        credentials = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return f"uid {int.from_bytes(credentials[4:8], 'little')}"
    return request.remote or "unknown"


def guard(token: str, all_loopback: bool) -> Middleware:
    """The middleware. `all_loopback`: every TCP listener is on loopback, so only loopback names may be asked for."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_local(request):
            refusal = _host(request, all_loopback) or _token(request, token)
            if refusal is not None:
                return refusal
        refusal = _origin(request)
        return refusal if refusal is not None else await handler(request)

    return checked


def _host(request: web.Request, all_loopback: bool) -> web.Response | None:
    if not all_loopback:
        return None  # reachable by any name; the token guards
    name = _host_name(request.headers.get("Host", ""))
    if name == "localhost" or _is_loopback_literal(name):
        return None
    return refuse(
        421,
        Problem(
            code="T1606",
            text="this Host name is not one of the admin API",
            cause="a page of another site may have been led here by DNS",
            mend="ask for 127.0.0.1, [::1] or localhost",
        ),
    )


def _host_name(value: str) -> str:
    try:
        return (urlsplit(f"//{value}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _token(request: web.Request, token: str) -> web.Response | None:
    if not token or request.path in OPEN:
        return None
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return None
    response = refuse(
        401,
        Problem(
            code="T1605",
            text="a token is needed" if not given else "this token is not the one",
            mend="send Authorization: Bearer TOKEN",
        ),
    )
    response.headers["WWW-Authenticate"] = 'Bearer realm="tidegate"'
    return response


def _origin(request: web.Request) -> web.Response | None:
    if request.method in SAFE:
        return None
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    same = origin is None or (origin != "null" and _netloc(origin) == request.headers.get("Host", "").lower())
    if site in {"none", "same-origin"} and same:
        return None
    return refuse(
        403,
        Problem(
            code="T1607",
            text="a page of another site may not change anything here",
            mend="use the dashboard of this address, the CLI, or a client that sends no Origin",
        ),
    )


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
