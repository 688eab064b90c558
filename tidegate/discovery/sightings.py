"""What each container looked like when it was last inspected, and whether a list row tells anything new. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from tidegate.discovery.grounds import Grounds
from tidegate.discovery.labels import is_enabled
from tidegate.engine.port import ContainerDetail, ContainerSummary
from tidegate.model import Instance

REMEMBERED_DESTRUCTIONS = 1024

_SHARED = "container:"


class Sighting(Struct, frozen=True):
    """One container as last inspected; `instance` is None where its own label disables it."""

    detail: ContainerDetail
    instance: Instance | None


class Sightings:
    """All sightings of one engine, by container id."""

    def __init__(self) -> None:
        self._sightings: dict[str, Sighting] = {}
        self.grounds = Grounds()
        self._borrowers: dict[str, set[str]] = {}  # container -> those that use its network (`container:<id>`)
        self._rows: dict[str, ContainerSummary] = {}  # the list row that asked for the last inspect
        self._destroyed: dict[str, None] = {}  # ids never come back; the newest are kept, for answers still under way

    def get(self, container: str) -> Sighting | None:
        """The last sighting, if there is one."""
        return self._sightings.get(container)

    def ids(self) -> AbstractSet[str]:
        """Ids of all containers seen."""
        return self._sightings.keys()

    def put(self, detail: ContainerDetail, instance: Instance) -> tuple[str, ...]:
        """Replace what is known of a container, whole. Returns the ids to show anew: its own, its borrowers', and those of
        others that claim its addresses."""
        others = self._unlink(detail.id)
        self._sightings[detail.id] = Sighting(detail, instance if is_enabled(detail.labels) else None)
        self.grounds.claim(detail)
        if detail.network_mode.startswith(_SHARED):
            self._borrowers.setdefault(detail.network_mode.removeprefix(_SHARED), set()).add(detail.id)
        return self._with_borrowers(detail.id, *others, *self.grounds.rivals(detail))

    def remove(self, container: str) -> tuple[str, ...]:
        """Forget a container. Returns the ids that used its network, or claim its addresses."""
        others = self._unlink(container)
        self._sightings.pop(container, None)
        self._rows.pop(container, None)
        return (*self._borrowers.get(container, ()), *self._with_borrowers(*others))

    def destroy(self, container: str) -> None:
        """Remember that this id is gone for good."""
        self._destroyed[container] = None
        if len(self._destroyed) > REMEMBERED_DESTRUCTIONS:
            del self._destroyed[next(iter(self._destroyed))]

    def is_destroyed(self, container: str) -> bool:
        """Whether the engine said that this id is gone."""
        return container in self._destroyed

    def is_news(self, row: ContainerSummary) -> bool:
        """Whether a list row differs from what is known; asks only once for the same row.

        The row and the inspect word some things differently on some engines (addresses of stopped containers), so a row
        that was answered by an inspect is remembered as it is.
        """
        sighting = self._sightings.get(row.id)
        if sighting is None and not is_enabled(row.labels):
            return False
        if self._rows.get(row.id) == row or (sighting is not None and _shows(row, sighting.detail)):
            return False
        self._rows[row.id] = row
        return True

    def doubt(self, container: str) -> None:
        """An event named it: what a list row said before counts no more."""
        self._rows.pop(container, None)

    def as_shown(self, container: str) -> Instance | None:
        """The instance with the networks it really uses: those of the lender where it borrows them, without its aliases."""
        sighting = self._sightings.get(container)
        if sighting is None or sighting.instance is None:
            return None
        instance = sighting.instance
        if not sighting.detail.network_mode.startswith(_SHARED):
            return self.grounds.placed(instance, container)
        lender = self._sightings.get(sighting.detail.network_mode.removeprefix(_SHARED))
        if lender is None:
            return instance
        host = lender.detail.network_mode == "host"
        networks = tuple(replace(place, aliases=()) for place in lender.detail.networks)  # these name the lender
        lent = replace(instance, networks=networks, published=lender.detail.published, host_network=host)
        return self.grounds.placed(lent, lender.detail.id)

    def _with_borrowers(self, *containers: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for id_ in containers for each in (id_, *self._borrowers.get(id_, ()))))

    def _unlink(self, container: str) -> tuple[str, ...]:
        """Undo what else hangs on the sighting. Returns who else claims its addresses."""
        known = self._sightings.get(container)
        if known is None:
            return ()
        others = self.grounds.rivals(known.detail)
        self.grounds.give_up(known.detail)
        if known.detail.network_mode.startswith(_SHARED):
            lender = known.detail.network_mode.removeprefix(_SHARED)
            borrowers = self._borrowers[lender]
            borrowers.discard(container)
            if not borrowers:
                del self._borrowers[lender]
        return others


def _shows(row: ContainerSummary, detail: ContainerDetail) -> bool:
    """Whether the row says what the inspect said."""
    addresses = tuple(sorted((network.network, network.ipv4, network.ipv6) for network in detail.networks))
    return (
        row.state is detail.state
        and detail.name in row.names
        and row.labels == detail.labels
        and row.addresses == addresses
        and row.engine_health is detail.engine_health
    )
