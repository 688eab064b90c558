"""`tidegate ls services|routes|endpoints|stacks|releases|scaling|certs|quotas|nodes`: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import click

from tidegate.cli import node_words, quota_words, words
from tidegate.cli.client import connect
from tidegate.cli.output import emit
from tidegate.cli.session import Session, talking


class Listing(NamedTuple):
    """One kind of thing: its columns, and how an entry becomes a row."""

    headers: tuple[str, ...]
    row: Callable[[Mapping[str, Any]], Sequence[object]]


def _service(item: Mapping[str, Any]) -> Sequence[object]:
    endpoints = item.get("endpoints") or []
    versions = dict.fromkeys(str(endpoint.get("version") or "-") for endpoint in endpoints)
    return (item["key"], words.ready(endpoints), " ".join(versions))


def _route(item: Mapping[str, Any]) -> Sequence[object]:
    path = f"{item['path']} if {item['match']}" if item.get("match") else item["path"]
    return (item["host"], path, words.weights(item.get("backends") or []), item.get("mode") or "normal")


def _endpoint(item: Mapping[str, Any]) -> Sequence[object]:
    where = words.address(item.get("address"))
    version, state, reason = item.get("version") or "-", words.state(item), item.get("reason", "")
    return (item["name"], item.get("service", ""), version, state, where, item.get("node", ""), reason)


def _stack(item: Mapping[str, Any]) -> Sequence[object]:
    ready = f"{item['ready']}/{item['wanted']}"
    return (item["name"], item["state"], item["services"], ready, item["who"], words.moment(item["when"]))


def _certificate(item: Mapping[str, Any]) -> Sequence[object]:
    hosts = " ".join(item["hosts"])
    default = "default" if item["default"] else ""
    return (item["name"], hosts, f"{item['days_left']:.0f}", item["issuer"], item["file"], default)


def _release(item: Mapping[str, Any]) -> Sequence[object]:
    sides = f"{item['stable']} -> {item['candidate']}"
    return (
        item["service"],
        item["number"],
        item["strategy"],
        sides,
        item["summary"],
        item["who"],
        words.moment(item["when"]),
    )


def _scaling(item: Mapping[str, Any]) -> Sequence[object]:
    replicas = f"{item['running']}/{item['wanted']}"
    bounds = f"{item['least']}..{item['most']}"
    return (item["service"], replicas, bounds, words.figures(item), words.last_change(item), item["why"])


KINDS: dict[str, Listing] = {
    "services": Listing(("SERVICE", "ENDPOINTS", "VERSIONS"), _service),
    "routes": Listing(("HOST", "PATH", "WEIGHTS", "MODE"), _route),
    "endpoints": Listing(("ENDPOINT", "SERVICE", "VERSION", "STATE", "ADDRESS", "NODE", "REASON"), _endpoint),
    "stacks": Listing(("STACK", "STATE", "SERVICES", "READY", "WHO", "WHEN"), _stack),
    "releases": Listing(("SERVICE", "RELEASE", "STRATEGY", "FROM -> TO", "STATE", "WHO", "WHEN"), _release),
    "scaling": Listing(("SERVICE", "REPLICAS", "BOUNDS", "FIGURES", "LAST CHANGE", "WHY"), _scaling),
    "certs": Listing(("CERTIFICATE", "HOSTS", "DAYS LEFT", "ISSUER", "FILE", ""), _certificate),
    "quotas": Listing(quota_words.HEADERS, quota_words.row),
    "nodes": Listing(node_words.HEADERS, node_words.row),
}


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)), default="services")
@talking
@click.pass_obj
def ls(session: Session, kind: str) -> None:
    """List services, routes, stacks, releases, what is scaled, nodes and so on."""
    what = "certificates" if kind == "certs" else kind
    items = connect(session).get(f"/v1/{what}")[what]
    listing = KINDS[kind]
    emit(session, f"ls.{kind}", items, lambda screen: screen.table(listing.headers, [listing.row(i) for i in items]))
