"""Services that routes ask before they forward: where one is now.

The address is decided when the table is built, from the table's own services, so that a label can reach a service of its
project and nothing else, by no resolver's help. A route is built again when the service it asks changes.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.building.routes import FILE_OWNER
from tidegate.model import HealthState, Route, Service
from tidegate.settings.addresses import Asked, asked


def asks(route: Route | None) -> str:
    """Key of the service that a route asks, or an empty string."""
    found = _asked(route) if route is not None else None
    if route is None or found is None:
        return ""
    own = "" if route.owner in {"", FILE_OWNER} else f"{route.owner}/"
    return found.key if "/" in found.key else own + found.key


def answered(route: Route, service: Service | None) -> Route:
    """`route`, knowing where the service it asks is; nowhere while none of its endpoints is ready."""
    forward, found = route.policy.filters.forward_auth, _asked(route)
    assert forward is not None and found is not None, "only routes that ask come here"
    filters = replace(route.policy.filters, forward_auth=replace(forward, url=_url(found, service)))
    return replace(route, policy=replace(route.policy, filters=filters))


def _asked(route: Route) -> Asked | None:
    forward = route.policy.filters.forward_auth
    return asked(forward.service) if forward is not None and forward.service else None


def _url(found: Asked, service: Service | None) -> str:
    for endpoint in service.endpoints if service is not None else ():
        if endpoint.state is HealthState.HEALTHY and endpoint.address is not None and found.port in {0, endpoint.port}:
            return f"http://{endpoint.address}{found.path}"
    return ""
