"""One service of a Compose file, as understood. Values only.

A service's `template` is its container without number: replica N of it is `spec(N)`. What decides where and how many (`scale`,
`everywhere`, `expressions`, reservations) stands beside the template, never in it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.spec import ContainerSpec
from tidegate.placement.resources import NOTHING, Resources
from tidegate.stacks.fingerprint import CONFIG_LABEL, fingerprint
from tidegate.value import Value


class Condition(StrEnum):
    """What must be true of a service before another one starts that depends on it."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


class Dependency(Value):
    """`service` comes first. Not `required`: it may be missing, and where it fails it is not waited for."""

    service: str
    condition: Condition = Condition.STARTED
    required: bool = True


class Update(Value):
    """How a new revision takes the place of the old one. Not `rolling`: all replicas at once, the old ones first. `parallelism` 0
    is all at once. `start_first` and `rollback` None: not said."""

    rolling: bool = False
    parallelism: int = 1
    delay_seconds: float = 0.0
    monitor_seconds: float = 0.0
    failure_ratio: float = 0.0
    start_first: bool | None = None
    rollback: bool | None = None


class External(Value):
    """Where a service is that has no containers: a name or an address, and its ports."""

    host: str
    ports: tuple[int, ...] = ()


class StackService(Value):
    """One service. `scale` is what the file says, the initial value of what is wanted. `expressions` are placement expressions as
    written, each beginning with its kind (`constraint:group==db`); `spread` and `max_per_node` are those of `deploy.placement`.
    `latest_image`: pull before each deployment. `exclusive`: no slot of it ever runs twice. `account` is whose quota
    it counts to, empty: the stack's. `pull_policy` is Compose's word, empty where it is not said. With `external` set
    there is no container, and the template has no image.
    """

    name: str
    stack: str
    template: ContainerSpec
    scale: int = 1
    everywhere: bool = False
    container_name: str = ""
    depends: tuple[Dependency, ...] = ()
    update: Update = Update()
    latest_image: bool = False
    exclusive: bool = False
    account: str = ""
    pull_policy: str = ""
    reservation: Resources = NOTHING
    expressions: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    max_per_node: int = 0
    external_links: tuple[str, ...] = ()
    external: External | None = None

    @property
    def key(self) -> str:
        """`stack/service`."""
        return f"{self.stack}/{self.name}"

    @property
    def revision(self) -> str:
        """Changes with everything that makes a container another one."""
        return fingerprint(self.template)

    @property
    def specs(self) -> tuple[ContainerSpec, ...]:
        """As many replicas as the file says; one where it says everywhere."""
        if self.external is not None:
            return ()
        return tuple(self.spec(number) for number in range(1, (1 if self.everywhere else self.scale) + 1))

    def spec(self, number: int) -> ContainerSpec:
        """Replica `number`, counted from 1; also above the file's scale."""
        name = self.container_name if self.container_name and number == 1 else f"{self.stack}-{self.name}-{number}"
        own = {NUMBER_LABEL: str(number), CONFIG_LABEL: self.revision}
        return msgspec.structs.replace(self.template, name=name, labels={**self.template.labels, **own})
