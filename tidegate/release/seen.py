"""What the edge observed for a release, as values: its containers, its faults, and what the gates say."""

from __future__ import annotations

from tidegate.model import InstanceState
from tidegate.release.gates import Verdict
from tidegate.release.image import Pin
from tidegate.release.samples import Counts
from tidegate.value import Value

RUNNING = frozenset((InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING))


class Container(Value):
    """One container of a side. `number` is its slot, from 1; 0 where it has none.

    `ready_since` is since when all its endpoints are ready (seconds since the epoch), 0.0 while one is not. `idle` says that
    every worker reported it to be without requests since it drains. `exit_code` is None until it has run and ended.
    """

    id: str
    name: str
    number: int = 0
    node: str = ""
    state: InstanceState = InstanceState.RUNNING
    ready_since: float = 0.0
    restarts: int = 0
    out_of_memory: bool = False
    exit_code: int | None = None
    idle: bool = False

    @property
    def ready(self) -> bool:
        """Whether it can serve."""
        return self.ready_since > 0.0 and self.state in (InstanceState.RUNNING, InstanceState.PAUSED)

    @property
    def alive(self) -> bool:
        """Whether it runs, and so holds memory, ports and volumes."""
        return self.state in RUNNING


class Fault(Value):
    """An act that failed, in one sentence. `lasting`: it fails again however often it is tried (no such image)."""

    text: str
    lasting: bool = False


class Fetching(Value):
    """An image on its way to an engine. `layers` and `total_bytes` grow while the registry names more of them."""

    node: str
    image: str
    said: str = ""
    layers_done: int = 0
    layers: int = 0
    done_bytes: int = 0
    total_bytes: int = 0


class Seen(Value):
    """One look at everything that concerns a release.

    `stable` and `candidate` are all containers of each side, ended ones too; one that is not there is taken for removed. `live`: the table at every worker says what the
    stored record says (weights, drains, hold). `busy`: acts of this release are on their way. `verdicts` are what the gates of
    the present step said at `judged_at`. `images` are those that engines were found to hold, by node, and `fetches` what is on
    its way there. `reference` is what the stable side did in the present window of the gates, or in the last one in which it had
    traffic enough. `whole` is False while a provider that matters has not spoken or lost sight of
    its engine; nothing is decided then.
    """

    stable: tuple[Container, ...] = ()
    candidate: tuple[Container, ...] = ()
    live: bool = False
    busy: bool = False
    verdicts: tuple[Verdict, ...] = ()
    judged_at: float = 0.0
    faults: tuple[Fault, ...] = ()
    images: dict[str, Pin] = {}
    fetches: tuple[Fetching, ...] = ()
    reference: Counts | None = None
    whole: bool = True
