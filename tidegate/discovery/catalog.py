"""What one provider has seen, grouped by service, sharing everything that did not change. Pure.

A change costs its own service and one copy of the dict of keys, however many instances there are.
"""

from __future__ import annotations

from tidegate.model import Instance


class Catalog:
    """The instances seen by one provider. `services()` is what an `Inventory` holds."""

    def __init__(self) -> None:
        self._instances: dict[str, Instance] = {}
        self._members: dict[str, dict[str, Instance]] = {}  # by service key, then id
        self._touched: set[str] = set()  # service keys whose tuple is out of date
        self._services: dict[str, tuple[Instance, ...]] = {}  # as last handed out; never changed in place

    @property
    def changed(self) -> bool:
        """Whether `services()` would differ from the last time it was called."""
        return bool(self._touched)

    def get(self, instance: str) -> Instance | None:
        """The instance with this id."""
        return self._instances.get(instance)

    def ids(self) -> tuple[str, ...]:
        """Ids of all instances."""
        return tuple(self._instances)

    def put(self, instance: Instance) -> None:
        """Add or replace; an equal instance leaves the old object in place."""
        old = self._instances.get(instance.id)
        if old == instance:
            return
        if old is not None and old.key != instance.key:
            self.remove(old.id)
        self._instances[instance.id] = instance
        self._members.setdefault(instance.key, {})[instance.id] = instance
        self._touched.add(instance.key)

    def remove(self, instance: str) -> None:
        """Forget an instance; unknown ids are fine."""
        old = self._instances.pop(instance, None)
        if old is not None:
            del self._members[old.key][instance]
            self._touched.add(old.key)

    def services(self) -> dict[str, tuple[Instance, ...]]:
        """Instances by service key, in order of creation, then id. The same dict until something changes."""
        if not self._touched:
            return self._services
        services = self._services.copy()
        for key in self._touched:
            members = self._members[key]
            if members:
                services[key] = tuple(sorted(members.values(), key=_age))
            else:
                services.pop(key, None)
                del self._members[key]
        self._touched.clear()
        self._services = services
        return services


def _age(instance: Instance) -> tuple[float, str]:
    return (instance.created_at, instance.id)
