"""What a Compose file means: its services, and the networks and volumes that they need. Values only."""

from __future__ import annotations

from tidegate.engine.spec import ContainerSpec, MountKind, NetworkSpec, VolumeSpec
from tidegate.errors import Problem, Severity
from tidegate.stacks.modes import bound
from tidegate.stacks.service import StackService
from tidegate.stacks.starting import start_order
from tidegate.value import Value

# Kinds of file systems that `local` mounts from elsewhere: such a volume is the same on every node.
_SHARED = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs")


class StackNetwork(Value):
    """A network that services of the stack are on. An `external` one exists already."""

    spec: NetworkSpec
    external: bool = False

    @property
    def name(self) -> str:
        return self.spec.name


class StackVolume(Value):
    """A named volume that services of the stack mount. An `external` one exists already."""

    spec: VolumeSpec
    external: bool = False

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def is_local(self) -> bool:
        """Whether its content is on one node only; of an external one nobody says, so it counts as local."""
        shared = self.spec.options.get("type", "").lower() in _SHARED
        return self.spec.driver in ("", "local") and not shared


class ComposeFile(Value):
    """A file as read, everything in its order. Use it only when `errors` is empty; the other problems name what was left out.
    `project` is the stack's name, `dormant` are services that no chosen profile wakes.
    """

    project: str
    services: tuple[StackService, ...] = ()
    networks: tuple[StackNetwork, ...] = ()
    volumes: tuple[StackVolume, ...] = ()
    dormant: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def specs(self) -> tuple[ContainerSpec, ...]:
        """Every container of the file on one host, in the order in which they start."""
        services = {service.name: service for service in self.services}
        first = {name: service.spec(1).name for name, service in services.items()}
        return tuple(bound(spec, first) for name in self.start_order for spec in services[name].specs)

    @property
    def start_order(self) -> tuple[str, ...]:
        """Names of the services, each after those it depends on."""
        return start_order({service.name: [each.service for each in service.depends] for service in self.services})

    def service(self, name: str) -> StackService | None:
        """The service called `name`."""
        return next((service for service in self.services if service.name == name), None)

    def local_volumes(self, service: StackService) -> tuple[str, ...]:
        """Named volumes of a service whose content stays on the node that it is on."""
        local = {volume.name for volume in self.volumes if volume.is_local}
        mounted = (each.source for each in service.template.mounts if each.kind is MountKind.VOLUME)
        return tuple(dict.fromkeys(name for name in mounted if name in local))
