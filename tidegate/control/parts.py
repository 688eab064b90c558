"""What the operations of the admin API stand on."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.control.answers import Document
from tidegate.control.autoscaling import Autoscaling
from tidegate.control.ejections import Ejections
from tidegate.control.gathering import Gathering
from tidegate.control.journal import Journal
from tidegate.control.metrics import Registry
from tidegate.control.origins import Origins
from tidegate.control.overrides import OverrideBook
from tidegate.control.ports import DecidePort, Followers, OthersPort, ResolvePort, StatusPort
from tidegate.control.reconciler import Reconciler
from tidegate.control.rehearsal import Rehearsal
from tidegate.control.releases import Releases
from tidegate.control.stacks import Stacks
from tidegate.control.traffic import Traffic
from tidegate.value import Value


class Parts(Value, frozen=True):
    """What the operations stand on. `config` is fit to be shown: no secrets. `started` on the monotonic clock."""

    reconciler: Reconciler
    book: OverrideBook
    releases: Releases
    rehearsal: Rehearsal
    autoscaling: Autoscaling
    gathering: Gathering
    origins: Origins
    stacks: Stacks
    journal: Journal
    registry: Registry
    traffic: Traffic
    ejections: Ejections
    followers: Followers
    status: StatusPort
    resolve: ResolvePort
    decide: DecidePort
    others: OthersPort
    certificates: Callable[[], list[Document]]
    node: str
    zone: str
    config: Document
    started: float
