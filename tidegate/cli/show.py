"""`tidegate show NAME`: everything known of one service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import words
from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.ls import KINDS
from tidegate.cli.naming import find_service
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("name", type=names("service"))
@talking
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Everything known of one service: its routes and their settings, endpoints and problems."""
    admin = connect(session)
    key = str(find_service(name, admin.get("/v1/services")["services"])["key"])
    service = admin.get(f"/v1/services/{segment(key)}")
    routes = _routes_of(admin, key)
    emit(session, "show", {"service": service, "routes": routes}, lambda screen: _view(screen, service, routes))


def _routes_of(admin: Admin, key: str) -> list[Mapping[str, Any]]:
    every = admin.get("/v1/routes")["routes"]
    return [route for route in every if any(backend["service"] == key for backend in route.get("backends") or [])]


def _view(screen: Screen, service: Mapping[str, Any], routes: list[Mapping[str, Any]]) -> None:
    endpoints = service.get("endpoints") or []
    screen.line(f"{service['key']}  {words.ready(endpoints)}", style="bold")
    rows = [(*KINDS["endpoints"].row(item), *words.used(item)) for item in endpoints]
    screen.table((*KINDS["endpoints"].headers, "CPU", "MEMORY"), rows)
    screen.line()
    screen.table(KINDS["routes"].headers, [KINDS["routes"].row(item) for item in routes])
    for route in routes:
        for name, value in sorted((route.get("settings") or {}).items()):
            screen.line(f"{route['id']}: {name} = {value}")
    for line in words.scaling(service["scaling"]) if service.get("scaling") else ():
        screen.line(line)
    for problem in service.get("problems") or []:
        screen.line()
        screen.line(str(as_problem(problem)))
