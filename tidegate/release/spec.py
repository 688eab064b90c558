"""What a release was asked to do: two sides, and the steps from one to the other. Never edited once it is stored.

Numbers are replicas, percent, and seconds. All fields are stored, also those with their default, so that a later version of
the program with other defaults reads what was asked and not what it would have asked.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.policy import Match
from tidegate.release.gates import DEFAULT_GATES, Gate
from tidegate.release.image import Pin
from tidegate.value import Value


class Strategy(StrEnum):
    """ROLLING: slot by slot. BLUE_GREEN: all of the new beside all of the old, then all at once. CANARY: share by share.
    REPLACE: the old stops before the new starts, for what cannot live beside itself."""

    ROLLING = "rolling"
    BLUE_GREEN = "blue-green"
    CANARY = "canary"
    REPLACE = "replace"


class Retire(StrEnum):
    """What becomes of the containers of the side that lost: they stay with their owner, are stopped, or removed."""

    KEEP = "keep"
    STOP = "stop"
    REMOVE = "remove"


class Pull(StrEnum):
    """Whether an engine asks a registry for the image: never, where it does not hold it, or once per release in any case."""

    NEVER = "never"
    MISSING = "missing"
    ALWAYS = "always"


class OnFailure(StrEnum):
    """What a failure leads to: the old side takes over again, or everything stays as it is and waits for a person."""

    ROLLBACK = "rollback"
    PAUSE = "pause"


class OnUnsure(StrEnum):
    """What a hold ends with whose gates still know too little: it waits for a person, or it passes."""

    WAIT = "wait"
    PASS = "pass"  # noqa: S105  an outcome


class Side(Value, omit_defaults=False):
    """One of the two that a release is between: a version of a service. `image` is what its containers run, for people."""

    service: str
    version: str = ""
    image: str = ""

    @property
    def called(self) -> str:
        """How an operator calls the version; the empty one is `default`."""
        return self.version or "default"

    def __str__(self) -> str:
        return f"{self.service} {self.called}"


class Step(Value, omit_defaults=False):
    """One step. Before it gives the candidate `share` percent of the traffic, `candidates` of its replicas are ready; then it
    holds for `hold_seconds` while the gates are asked (`brief`: at most, for it ends as soon as they all are sure), waits for a person
    where `confirm`, and leaves `stables` replicas of the old side. With `stop_first` the old ones leave before the new ones start."""

    candidates: int
    share: int
    stables: int
    hold_seconds: float = 0.0
    confirm: bool = False
    stop_first: bool = False
    brief: bool = False


class Slot(Value, omit_defaults=False):
    """A place for one replica: it is made as a copy of `container` (an id of the old side) on `node`."""

    container: str
    node: str = ""


class Change(Value, omit_defaults=False):
    """How the copies differ from what they are copied from. An empty `image` or `command` is that of the original; a value of
    None takes the variable or the label away. `image_id`, where said, is what `image` has to be, however its tag moves. `bare`: the
    command is the image's own, not that of the original. `entrypoint`: None is that of the original, an empty one none at all."""

    image: str = ""
    image_id: str = ""
    pull: Pull = Pull.MISSING
    environment: dict[str, str | None] = {}
    labels: dict[str, str | None] = {}
    command: tuple[str, ...] = ()
    bare: bool = False
    entrypoint: tuple[str, ...] | None = None


class Origin(Value):
    """What the containers of a side were: enough to make them again from others. `environment` and `labels` as they were in force; None
    is a value that each replica had of its own. `images` by node; `image` is how they were called. `entrypoint` None: not known, in a record of an earlier version."""

    image: str = ""
    images: dict[str, Pin] = {}
    environment: dict[str, str | None] = {}
    labels: dict[str, str | None] = {}
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None


class Spec(Value, omit_defaults=False):
    """What was asked.

    `service` names the release: the service key of the stable side. `targets` are what its weights are set for: that service,
    or where the sides are two services the hosts or route ids they share.
    `stables` replicas of the old side carry all of the traffic when it begins, `replicas` of the new one when it ends.
    With `slots` Tidegate makes the candidate's containers, one for each number from 1 on (slots are used in turn where there
    are fewer); `prefix` and the number is their name. Without, somebody else starts them.
    Requests that fit one of `previews` get the candidate whatever its share is. `manual`: weights are moved by a person, who then confirms. `rollback_of`: number of the release that this one undoes.

    A replica counts once it has been ready for `min_healthy_seconds`; a step in which no further one got ready for
    `ready_seconds` has failed, and a shortage of ready ones for `short_seconds`. Whatever else takes longer than
    `progress_seconds` waits for a person. Requests in flight get `drain_seconds`, and a container told to stop `stop_seconds`
    (None: what it says itself). The old side stays for `retain_seconds` after the end. A hold whose gates know too little is
    extended `extensions` times.
    """

    service: str
    strategy: Strategy
    stable: Side
    candidate: Side
    targets: tuple[str, ...]
    steps: tuple[Step, ...]
    stables: int
    replicas: int
    slots: tuple[Slot, ...] = ()
    prefix: str = ""
    change: Change = Change()
    retire: Retire = Retire.KEEP
    discard: Retire = Retire.KEEP
    on_failure: OnFailure = OnFailure.ROLLBACK
    on_unsure: OnUnsure = OnUnsure.WAIT
    manual: bool = False
    rollback_of: int = 0
    gates: tuple[Gate, ...] = DEFAULT_GATES
    previews: tuple[Match, ...] = ()
    min_healthy_seconds: float = 10.0
    ready_seconds: float = 300.0
    short_seconds: float = 10.0
    progress_seconds: float = 600.0
    drain_seconds: float = 30.0
    stop_seconds: float | None = None
    retain_seconds: float = 0.0
    extensions: int = 3

    @property
    def creates(self) -> bool:
        """Whether Tidegate makes the candidate's containers."""
        return bool(self.slots)

    @property
    def stops_first(self) -> bool:
        """Whether the two sides cannot live side by side."""
        return any(step.stop_first for step in self.steps)

    @property
    def stable_name(self) -> str:
        """What the old side is called in the weights: its version, or its service where the sides are two services."""
        return self._name(self.stable)

    @property
    def candidate_name(self) -> str:
        """What the new side is called in the weights."""
        return self._name(self.candidate)

    def _name(self, side: Side) -> str:
        return side.called if self.stable.service == self.candidate.service else side.service

    def container_name(self, number: int) -> str:
        """The name of the candidate's container with this number: always the same, so that one made twice is found."""
        return f"{self.prefix}{number}"

    def slot(self, number: int) -> Slot:
        """The place of the candidate's container with this number, 1 and up."""
        return self.slots[(number - 1) % len(self.slots)]
