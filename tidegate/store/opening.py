"""The store that the settings name: SQLite in the state folder, or a cluster store."""

from __future__ import annotations

from pathlib import Path

from tidegate.config import StateConfig
from tidegate.errors import Problem, Severity
from tidegate.store.address import parse
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Store
from tidegate.store.sqlite import SqliteStore
from tidegate.telemetry import logger

FILE = "store.sqlite"
MOVED = "store/moved"  # says where everything was moved to; in the embedded store only


async def open_store(config: StateConfig) -> Store:
    """Open it. Raises StoreError. A cluster store that is away is no reason not to start."""
    if config.store:
        return await EtcdStore.open(parse(config.store))
    store = await SqliteStore.open(Path(config.folder) / FILE)
    moved = await store.get(MOVED)
    if moved is not None:
        problem = _left(Path(config.folder), moved.value.decode(errors="replace"))
        store.problems = (*store.problems, problem)
        logger("store").warning("%s", problem)
    return store


def _left(folder: Path, target: str) -> Problem:
    return Problem(
        code="T1529",
        text="what this store holds was moved to a cluster store, and changes since then are not here",
        place=str(folder / FILE),
        cause=f"tidegate store migrate --to {target}",
        mend=f"serve with --store {target}; or move the file away to begin anew",
        kept="it is used as it is",
        severity=Severity.WARNING,
    )
