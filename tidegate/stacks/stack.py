"""A stack as it is stored: what its file says, understood, without anything that depends on where it runs."""

from __future__ import annotations

from ipaddress import ip_address

from tidegate.engine.spec import ContainerSpec
from tidegate.placement.resources import NOTHING, Resources
from tidegate.release.spec import Pull
from tidegate.stacks.file import StackNetwork, StackVolume
from tidegate.stacks.modes import shared_services
from tidegate.stacks.service import Condition
from tidegate.value import Value


class Member(Value):
    """One service of a stack. `template` is its container without name and number.

    `config` changes with everything that makes a container another one, and with nothing else. `scale` is how many replicas it begins
    with, unless it runs `everywhere`, once on each node. `depends` are other members and what is waited for of them, `spared` those of them that are not waited for once they fail.
    `ports` are host ports that a replica takes, as `tcp/80`, `volumes` the named volumes whose content is on one node. `stop_first`: an
    old replica ends before the new one starts; `exclusive`: and no slot runs twice, whatever fails; `parallelism` of them are replaced at
    a time, and a new one counts once it was ready for `min_healthy_seconds`; the next ones have their turn after `delay_seconds`, and none
    while more than `failure_ratio` of all have failed. `container_name` is the name of its first container where the file says one.
    `expressions`, `spread` and `max_per_node` say where it may run (`stacks.service`), `reservation` what a replica needs there. What they
    set aside counts to `account`; empty: to that of the stack's name. `digest` is what the image's name stood for when the stack was put
    up; empty: whatever it stands for on the node.
    """

    name: str
    template: ContainerSpec
    config: str
    scale: int = 1
    everywhere: bool = False
    depends: dict[str, Condition] = {}
    spared: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_first: bool = False
    exclusive: bool = False
    parallelism: int = 1
    min_healthy_seconds: float = 10.0
    delay_seconds: float = 0.0
    failure_ratio: float = 0.0
    drain_seconds: float = 30.0
    pull: Pull = Pull.MISSING
    container_name: str = ""
    expressions: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    max_per_node: int = 0
    reservation: Resources = NOTHING
    account: str = ""
    digest: str = ""

    @property
    def image(self) -> str:
        """What engines are asked for."""
        return f"{self.template.image}@{self.digest}" if self.digest else self.template.image

    @property
    def shares(self) -> tuple[str, ...]:
        """Members with whose containers its own share something (`stacks.sharing`)."""
        return shared_services(self.template)


class Outside(Value):
    """A service of a stack that has no containers: it is at `host`, a name or an address, on `ports`. `labels` as a container's."""

    name: str
    host: str
    ports: tuple[int, ...] = ()
    labels: dict[str, str] = {}

    @property
    def has_address(self) -> bool:
        """Whether `host` is an address."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


class Stack(Value):
    """What is wanted of a stack since `when` (seconds since the epoch), by `who`. `number` counts how often it was put up.

    `source` is the text it was read from, for people. `former` are networks of earlier files, made for it, which go with it. A stack that
    is `leaving` wants nothing any more, and is forgotten when nothing of it is left; `volumes_too`: its named volumes go with it.
    """

    name: str
    members: tuple[Member, ...] = ()
    outside: tuple[Outside, ...] = ()
    networks: tuple[StackNetwork, ...] = ()
    volumes: tuple[StackVolume, ...] = ()
    former: tuple[StackNetwork, ...] = ()
    source: str = ""
    number: int = 1
    who: str = ""
    when: float = 0.0
    why: str = ""
    leaving: bool = False
    volumes_too: bool = False

    @property
    def own_volumes(self) -> tuple[str, ...]:
        """Its named volumes that go with it where that is said: those of others do not."""
        return tuple(each.name for each in self.volumes if not each.external)

    def member(self, name: str) -> Member | None:
        """The member of this name, if the stack has one that it still wants."""
        return next((each for each in self.members if each.name == name and not self.leaving), None)


class Scale(Value):
    """How many replicas of a service somebody wants, since `when`; it goes before what the stack's file says."""

    desired: int
    who: str = ""
    when: float = 0.0
    why: str = ""


class Allowance(Value):
    """What all services of an account may set aside together since `when`, as `who` said; of an amount that is 0, anything."""

    cpus: float = 0.0
    memory: int = 0
    replicas: int = 0
    who: str = ""
    when: float = 0.0
    why: str = ""
