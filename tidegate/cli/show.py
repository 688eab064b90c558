"""`tidegate show NAME`: everything known of one service, or of one stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import following, release_words, stack_words, words
from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.ls import KINDS
from tidegate.cli.naming import find_service
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking
from tidegate.cli.stack_following import path_of


@click.command()
@click.argument("name", type=names("service", "stack"))
@talking
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Everything known of one service: its routes and their settings, endpoints, problems, and the release that goes on; or of one
    stack: its replicas."""
    admin = connect(session)
    services = admin.get("/v1/services")["services"]
    stacks = [str(each["name"]) for each in admin.get("/v1/stacks")["stacks"]]
    if name in stacks and name not in [each["key"] for each in services]:
        stack = admin.get(path_of(name))
        emit(session, "show.stack", stack, lambda screen: _view_stack(screen, stack))
        return
    key = str(find_service(name, services)["key"])
    service = admin.get(f"/v1/services/{segment(key)}")
    routes = _routes_of(admin, key)
    release = _release_of(admin, key)

    def view(screen: Screen) -> None:
        _view(screen, service, routes)
        if release is not None:
            _view_release(screen, release)

    emit(session, "show", {"service": service, "routes": routes, "release": release}, view)


def _release_of(admin: Admin, key: str) -> Mapping[str, Any] | None:
    """The release of the service that has not ended."""
    going = [each for each in admin.get("/v1/releases")["releases"] if each["service"] == key and not each["finished"]]
    return admin.get(following.path_of(key))["current"] if going else None


def _view_release(screen: Screen, told: Mapping[str, Any]) -> None:
    screen.line()
    screen.line(release_words.title(told), style="bold")
    screen.line(release_words.waits_for(told))
    for image, node, progress in release_words.fetches(told):
        screen.line(f"fetching {image} on {node}: {progress}")


def _view_stack(screen: Screen, stack: Mapping[str, Any]) -> None:
    screen.line(stack_words.title(stack), style="bold")
    for member in stack["members"]:
        screen.line(f"{member['name']}  {member['ready']}/{member['wanted']}  {member['image']}")
    screen.line()
    screen.table(stack_words.HEADERS, [stack_words.row(each) for each in stack_words.replicas(stack)])


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
