"""What Compose writes on the containers it makes, and the number it gives each of a service (pure).

Compose takes the containers with the highest numbers away first when there are more than its file says. A duplicate gets a
number above all others, so that `docker compose up` in the middle of a release takes the new version away, not the one that
serves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"


def same_service(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that all containers of one Compose service have in common; empty where Compose made none of it."""
    found = {label: labels[label] for label in (PROJECT_LABEL, SERVICE_LABEL) if label in labels}
    return found if NUMBER_LABEL in labels and len(found) == 2 else {}


def next_number(labels: Mapping[str, str], others: Iterable[Mapping[str, str]]) -> int:
    """The number for a new container beside one with `labels`, 0 where it needs none; `others` are all there are."""
    same = same_service(labels)
    if not same:
        return 0
    numbers = (other.get(NUMBER_LABEL, "") for other in others if same.items() <= other.items())
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)
