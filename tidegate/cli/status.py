"""`tidegate status`, also plain `tidegate`: what runs, what is wrong, one screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import words
from tidegate.cli.client import connect
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking


@click.command()
@talking
@click.pass_obj
def status(session: Session) -> None:
    """One screen: what runs, what is wrong."""
    admin = connect(session)
    facts = admin.get("/v1/status")
    services = admin.get("/v1/services")["services"]
    routes = admin.get("/v1/routes")["routes"]
    problems = admin.get("/v1/problems")["problems"]
    data = {"status": facts, "services": services, "routes": routes, "problems": problems}
    emit(session, "status", data, lambda screen: _view(screen, facts, services, routes, problems))


def _view(
    screen: Screen,
    facts: Mapping[str, Any],
    services: list[Mapping[str, Any]],
    routes: list[Mapping[str, Any]],
    problems: list[Mapping[str, Any]],
) -> None:
    screen.line(head(facts), style="bold")
    if facts["waiting_for"]:
        screen.line(f"! not ready: waits for {', '.join(facts['waiting_for'])}", style="red")
    cluster = facts.get("cluster") or {}
    if cluster:
        who = f"led by {cluster['leader']}" if cluster["leader"] else "nobody leads"
        screen.line(f"node {facts['node']} of {words.count(cluster['nodes'], 'node')}, {who}")
    if cluster.get("lost"):
        text = f"! {cluster['lost']}: routers keep the last routes, nothing is scaled or released"
        screen.line(text, style="red")
    for provider in facts["providers"]:
        if provider["stale"]:
            screen.line(f"! {provider['name']} is out of sight; what it showed last is still served", style="yellow")
    for problem in problems:
        known = as_problem(problem)
        place = f"  ({known.place})" if known.place else ""
        screen.line(f"! {known.code} {known.text}{place}", style="yellow" if known.severity == "warning" else "red")
    screen.table(("SERVICE", "HOST", "ENDPOINTS", "WEIGHTS", "MODE"), [_row(item, routes) for item in services])


def head(facts: Mapping[str, Any]) -> str:
    """The first line: version, age, size, and whether something needs the reader."""
    parts = [f"tidegate {facts['version']}  up {words.duration(facts['uptime_seconds'])}"]
    parts += [words.count(facts[f"{noun}s"], noun) for noun in ("service", "route", "endpoint")]
    parts.append(words.count(len(facts["workers"]), "worker"))
    parts.append(words.count(facts["problems"], "problem") if facts["problems"] else "nothing needs you")
    return " · ".join(parts)


def _row(service: Mapping[str, Any], routes: list[Mapping[str, Any]]) -> tuple[object, ...]:
    mine = [route for route in routes if any(b["service"] == service["key"] for b in route.get("backends") or [])]
    hosts = [route["host"] + (route["path"] if route["path"] != "/" else "") for route in mine]
    shown = ", ".join(hosts[:2]) + (f" +{len(hosts) - 2}" if len(hosts) > 2 else "")
    share = words.weights([b for b in mine[0]["backends"] if b["service"] == service["key"]]) if mine else ""
    modes = sorted({str(route.get("mode") or "normal") for route in mine} - {"normal"})
    return (service["key"], shown or "-", words.ready(service.get("endpoints") or []), share, " ".join(modes))
