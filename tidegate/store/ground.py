"""Where in the cluster store our keys lie: below one prefix, in the root that the epoch names. Pure.

`<prefix>/epoch` names the root in force, so that a whole store can be filled unseen and put in force by one write (`filling`).
Every transaction compares it. `<prefix>/data/<root>/` holds the entries; `<prefix>/session/` what calls need for themselves.

Keys of entries are printable, so one with a NUL is none: `<watched prefix>NUL` is a heartbeat. It lies in the range that is
watched, so that it comes in order with the changes and proves that none before it is missing.
"""

from __future__ import annotations

import msgspec

from tidegate.store.gateway import KeyValue
from tidegate.value import Value

HEARTBEAT = b"\0"
FIRST = "0"


class Epoch(Value):
    """What `<prefix>/epoch` says: the number of the epoch, its root, and for people where it was filled from and when."""

    number: int = 0
    root: str = FIRST
    source: str = ""
    when: float = 0.0


class Ground(Value):
    """The root in force, `data` being what stands before every key. `revision` is that of the epoch; 0: nobody wrote one."""

    prefix: bytes
    epoch: Epoch = Epoch()
    revision: int = 0

    @property
    def data(self) -> bytes:
        """What stands before the keys of entries."""
        return self.root(self.epoch.root)

    def root(self, name: str) -> bytes:
        """What would stand before the keys of entries in another root."""
        return self.prefix + b"/data/" + name.encode() + b"/"

    def key(self, key: str) -> bytes:
        """Where the entry `key` lies."""
        return self.data + key.encode()

    def name(self, key: bytes) -> str:
        """The entry that lies there."""
        return key[len(self.data) :].decode("ascii", "replace")


def epoch_key(prefix: bytes) -> bytes:
    """Where the epoch lies."""
    return prefix + b"/epoch"


def session_key(prefix: bytes, name: str) -> bytes:
    """Where something lies that calls need for themselves."""
    return prefix + b"/session/" + name.encode()


def ground_of(prefix: bytes, found: KeyValue | None) -> Ground:
    """The ground as the epoch's key says. Raises ValueError for one that another version wrote."""
    if found is None:
        return Ground(prefix=prefix)
    epoch = msgspec.json.decode(found.value, type=Epoch)
    return Ground(prefix=prefix, epoch=epoch, revision=found.mod_revision)


def is_entry(key: bytes) -> bool:
    """Whether it is an entry's key, and no heartbeat."""
    return HEARTBEAT not in key
