"""The labels of a Compose file, each problem placed at the label's own line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import structs

from tidegate.discovery.labels import check_labels
from tidegate.errors import Problem
from tidegate.yamlfile import Document

Path = tuple[str | int, ...]


def label_problems(document: Document) -> tuple[Problem, ...]:
    """Problems of the labels of all services, in the order of the file. `services` may be missing, as in version 1."""
    found: list[Problem] = []
    for service, path, labels in _labelled(document.data):
        lines = {name: document.place(where) for name, where in _places(path, labels).items()}
        for problem in check_labels(_mapping(labels)):
            label = problem.place.removeprefix("label ")
            place = lines.get(label, document.place(path))
            found.append(structs.replace(problem, place=f"{place}  service {service}, label {label}"))
    return tuple(found)


def _labelled(data: Any) -> Iterator[tuple[str, Path, Any]]:
    """(service, path of its labels, labels) for each service that has some; `deploy.labels` are the cluster's, not ours."""
    above: Path = ("services",) if isinstance(data.get("services"), Mapping) else ()
    services = data["services"] if above else data
    for name, service in services.items():
        if isinstance(service, Mapping) and service.get("labels"):
            yield str(name), (*above, name, "labels"), service["labels"]


def _mapping(labels: Any) -> dict[str, object]:
    """Both forms of Compose: a mapping, or a list of `name=value`."""
    if isinstance(labels, Mapping):
        return {str(name): value for name, value in labels.items()}
    items = [str(item).partition("=") for item in labels] if isinstance(labels, list) else []
    return {name: value for name, _, value in items}


def _places(path: Path, labels: Any) -> dict[str, Path]:
    if isinstance(labels, Mapping):
        return {str(name): (*path, name) for name in labels}
    if isinstance(labels, list):
        return {str(item).partition("=")[0]: (*path, number) for number, item in enumerate(labels)}
    return {}
