"""`tidegate show NAME`: everything known of one service, of one stack, or of one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import following, node_words, release_words, stack_words, words
from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.ls import KINDS
from tidegate.cli.naming import find_service
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking
from tidegate.cli.stack_following import path_of


@click.command()
@click.argument("name", type=names("service", "stack", "node"))
@talking
@click.pass_obj
def show(session: Session, name: str) -> None:
    """Everything known of one service: its routes and their settings, endpoints, problems, and the release that goes on; of one
    stack: its replicas; or of one node."""
    admin = connect(session)
    services = admin.get("/v1/services")["services"]
    if name not in [each["key"] for each in services] and (
        _show_stack(session, admin, name) or _show_node(session, admin, name)
    ):
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


def _show_stack(session: Session, admin: Admin, name: str) -> bool:
    """Show the stack of that name; False if there is none."""
    if name not in [str(each["name"]) for each in admin.get("/v1/stacks")["stacks"]]:
        return False
    stack = admin.get(path_of(name))
    emit(session, "show.stack", stack, lambda screen: _view_stack(screen, stack))
    return True


def _show_node(session: Session, admin: Admin, name: str) -> bool:
    """Show the node of that name; False if there is none."""
    node = next((each for each in admin.get("/v1/nodes")["nodes"] if each["name"] == name), None)
    if node is None:
        return False
    endpoints = [each for each in admin.get("/v1/endpoints")["endpoints"] if each.get("node") == name]
    emit(session, "show.node", {"node": node, "endpoints": endpoints}, lambda screen: _node(screen, node, endpoints))
    return True


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
    for each in stack.get("outside", ()):
        screen.line(f"{each['name']}: at {each['host']}")
    screen.table(stack_words.HEADERS, [stack_words.row(each) for each in stack_words.replicas(stack)])


def _node(screen: Screen, node: Mapping[str, Any], endpoints: list[Mapping[str, Any]]) -> None:
    screen.line(f"{node['name']}  {node.get('state', '')}", style="bold")
    shown = {
        "zone": node.get("zone"),
        "address": node.get("address"),
        "takes connections for its containers at": node.get("peer"),
        "replicas": node.get("replicas"),
        "cpu, set aside of all": node_words.reserved(node)[0],
        "memory, set aside of all": node_words.reserved(node)[1],
        "used": words.in_use(node),
        "holds": node_words.holds(node),
        "labels": node_words.labels(node),
        "engines": ", ".join(f"{each['name']} {each.get('version', '')}" for each in node.get("engines") or []),
        "tidegate": node.get("version"),
        "up since": words.moment(node["since"]) if node.get("since") else "",
        "drained by": " ".join(filter(None, (node.get("drained_by"), node.get("why"), node_words.since(node)))),
    }
    for label, value in shown.items():
        if value:
            screen.line(f"{label}: {value}")
    screen.line()
    screen.table(KINDS["endpoints"].headers, [KINDS["endpoints"].row(item) for item in endpoints])


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
