"""What `doctor` looks at for a cluster store: who of its members answers and has a leader, what alarms there are, and whether we
may read. Nothing is written."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

from msgspec import structs

from tidegate.cli.diagnosis import BROKEN, OK, WARNING, Finding
from tidegate.config import StateConfig
from tidegate.errors import StoreError
from tidegate.store.address import EtcdAddress, parse
from tidegate.store.credentials import Credentials
from tidegate.store.etcd import EtcdStore
from tidegate.store.gateway import StatusAnswer
from tidegate.store.session import Session

MEMBER_SECONDS = 3.0


def examine_store(config: StateConfig) -> Iterator[Finding]:
    """All checks that have to do with it; none where the store is SQLite, which lies in the state folder."""
    if config.store:
        yield from asyncio.run(_looked(parse(config.store)))


async def _looked(address: EtcdAddress) -> list[Finding]:
    try:
        store = await EtcdStore.open(address)
    except StoreError as error:
        return [_broken(error)]
    members = [await _member(address, member) for member in address.members]
    try:
        epoch = (await store.ground()).epoch
        entries = len((await store.list("")).entries)
    except StoreError as error:
        return [*members, _broken(error)]
    finally:
        await store.close()
    text = f"{address}: {entries} entries" + (f", moved here from {epoch.source}" if epoch.source else "")
    return [*members, Finding(check="store", state=OK, text=text)]


async def _member(address: EtcdAddress, member: str) -> Finding:
    credentials = Credentials(address)
    credentials.load()
    alone = structs.replace(address, members=(member,))
    session = Session(alone, credentials, time.monotonic, random.Random())  # noqa: S311  it guards nothing
    check = f"store {member}"
    try:
        found = await session.ask("/v3/maintenance/status", {}, StatusAnswer, MEMBER_SECONDS)
    except StoreError as error:
        problem = error.problems[0]
        return Finding(
            check=check, state=WARNING, text=problem.cause, mend="is it running, and does its address allow us?"
        )
    finally:
        await session.close()
    text = f"etcd {found.version}, {found.dbSize / 1e6:.1f} MB"
    if found.errors:
        mend = "etcdctl alarm list; for NOSPACE: compact, defragment, etcdctl alarm disarm"
        return Finding(check=check, state=BROKEN, text=f"{text}: {'; '.join(found.errors)}", mend=mend)
    if not found.leader:
        return Finding(check=check, state=WARNING, text=f"{text}: it has no leader", mend="see that most members run")
    return Finding(check=check, state=OK, text=text)


def _broken(error: StoreError) -> Finding:
    problem = error.problems[0]
    return Finding(check="store", state=BROKEN, text=f"{problem.text}: {problem.cause}", mend=problem.mend)
