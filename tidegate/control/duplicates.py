"""How a container that a release makes differs from the one it is copied from (pure).

Beside what the spec changes it gets what tells it apart: the version, the service where its labels would not say it, and two
labels of our own, by which it is found again. They do not begin with `tidegate.`: people write those, nobody writes these.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.port import Duplicate
from tidegate.release.acts import Create
from tidegate.release.record import Release

RELEASE_LABEL = "io.tidegate.release"  # `service#number`
SLOT_LABEL = "io.tidegate.slot"
_SERVICE, _VERSION = "tidegate.service", "tidegate.version"
_COMPOSE_SERVICE = "com.docker.compose.service"
OWN_LABELS = frozenset((RELEASE_LABEL, SLOT_LABEL, _VERSION, NUMBER_LABEL))  # what each container has of its own


def mark(release: Release) -> str:
    """What `RELEASE_LABEL` says on the containers of a release."""
    return f"{release.spec.service}#{release.number}"


def slot_of(release: Release, labels: Mapping[str, str]) -> int:
    """The number of the release's container that has these labels; 0 where it is not one."""
    number = labels.get(SLOT_LABEL, "")
    return int(number) if labels.get(RELEASE_LABEL) == mark(release) and number.isdecimal() else 0


def duplicate(release: Release, act: Create, labels: Mapping[str, str]) -> Duplicate:
    """The change for `act`; `labels` are those of the container that is copied."""
    spec = release.spec
    return Duplicate(
        name=act.name,
        image=spec.change.image,
        image_id=spec.change.image_id or _pinned(release, act.node),
        environment=dict(spec.change.environment),
        labels={
            **spec.change.labels,
            **_service(release, labels),
            _VERSION: spec.candidate.version or None,
            RELEASE_LABEL: mark(release),
            SLOT_LABEL: str(act.number),
        },
        command=spec.change.command,
        bare=spec.change.bare,
        entrypoint=spec.change.entrypoint,
        stop_first=spec.stops_first,
    )


def _pinned(release: Release, node: str) -> str:
    """The image that the name stood for when the release began to make containers; empty where none was named."""
    pin = release.images.get(node)
    return pin.id if pin is not None and release.spec.change.image else ""


def _service(release: Release, labels: Mapping[str, str]) -> dict[str, str | None]:
    """A copy has another name, so a service that is called by its container's name has to be said."""
    spec = release.spec
    same = spec.candidate.service == spec.stable.service
    if same and (_SERVICE in labels or labels.get(_COMPOSE_SERVICE)):
        return {}
    return {_SERVICE: spec.candidate.service}
