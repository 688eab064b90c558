"""A node joins, stays, is lost and comes back; a name is one node's."""

import asyncio
import random
from contextlib import asynccontextmanager

from msgspec import json

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.keys import live_key
from tidegate.cluster.lease import KEEP_SECONDS, TTL_SECONDS
from tidegate.cluster.live import Live
from tidegate.cluster.membership import FENCE_SECONDS, START_SECONDS, TAKEN_SECONDS, Membership
from tidegate.store.port import Put


@asynccontextmanager
async def joined(store, name="a", id_="one", **said):
    member = make(store, name, id_, **said)
    async with beside(member.run(), settle=0.1):
        yield member


def make(store, name="a", id_="one", **said):
    live = Live(id=id_, incarnation="boot/1", **said)
    return Membership(store, name, lambda: live, clock=asyncio.get_running_loop().time, rng=random.Random(1))


def stands(store, name="a") -> Live | None:
    entry = store.entries.get(live_key(name))
    return json.decode(entry.value, type=Live) if entry is not None else None


def test_who_joins_is_told_to_the_others_and_numbered():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, zone="z1", cpus=4.0) as member, joined(store, "b", "two") as second:
            assert stands(store) == Live(id="one", incarnation="boot/1", zone="z1", cpus=4.0, index=1)
            assert (member.index, second.index) == (1, 2)
            assert member.lease is not None and member.problem is None

    run_virtual(main())


def test_who_stops_is_there_until_its_lease_ends_and_keeps_its_number():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store):
            pass
        await asyncio.sleep(TTL_SECONDS - 1)
        assert stands(store) is not None, "it may be back in a moment, and what runs there runs on"
        await asyncio.sleep(2)
        assert stands(store) is None
        async with joined(store, "b", "two") as second, joined(store) as first:
            assert (first.index, second.index) == (1, 2)

    run_virtual(main())


def test_a_node_stays_for_as_long_as_it_runs():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store) as member:
            await asyncio.sleep(20 * TTL_SECONDS)
            assert member.lease is not None and stands(store) is not None

    run_virtual(main())


def test_the_second_node_of_a_name_does_not_join_and_says_why():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, address="10.0.0.1") as first, joined(store, id_="other") as second:
            await asyncio.sleep(3 * TTL_SECONDS)
            assert second.lease is None
            assert second.problem is not None and second.problem.code == "T2300"
            assert "10.0.0.1" in second.problem.cause and "--node" in second.problem.mend
            assert first.lease is not None and stands(store).id == "one"

    run_virtual(main())


def test_it_joins_when_the_name_is_free():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, id_="gone"):
            second = joined(store, id_="other")
            waiting = await second.__aenter__()
            assert waiting.lease is None
        await asyncio.sleep(TTL_SECONDS + TAKEN_SECONDS + 0.5)
        assert waiting.lease is not None and waiting.problem is None and stands(store).id == "other"
        await second.__aexit__(None, None, None)

    run_virtual(main())


def test_a_node_that_was_killed_and_started_again_takes_its_own_place_over_at_once():
    async def main() -> None:
        store = MemoryStore()
        killed = Way(store)
        async with joined(killed) as before:
            lease = before.lease
            killed.cut = True
            async with joined(store) as after:
                assert after.lease not in (None, lease)
                store.end(lease)
                assert stands(store) is not None, "the end of the old lease takes nothing of the new life"

    run_virtual(main())


def test_a_copy_of_a_state_folder_does_not_join_and_the_first_goes_on():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, home="host/1", address="10.0.0.1") as first, joined(store, home="copy/1") as second:
            await asyncio.sleep(3 * TTL_SECONDS)
            assert second.problem is not None and second.problem.code == "T2308"
            assert "10.0.0.1" in second.problem.cause and "node.id" in second.problem.mend
            assert second.lease is None and not second.has_name and second.is_cut_off
            assert first.lease is not None and first.problem is None and stands(store).home == "host/1"

    run_virtual(main())


def test_a_node_takes_its_place_over_from_its_life_of_an_earlier_version_which_said_no_home():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store):
            pass
        async with joined(store, home="boot/1") as again:
            assert again.problem is None and stands(store).home == "boot/1"

    run_virtual(main())


def test_a_host_that_was_started_anew_joins_when_the_lease_of_its_life_before_has_ended():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, home="boot-1/1"):
            pass
        async with joined(store, home="boot-2/1") as again:
            assert again.problem is not None and again.problem.code == "T2308"
            await asyncio.sleep(TTL_SECONDS + TAKEN_SECONDS)
            assert again.problem is None and again.has_name and stands(store).home == "boot-2/1"

    run_virtual(main())


def test_without_the_store_a_node_is_out_in_time_and_joins_again_when_it_is_back():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        turns = []
        async with joined(way) as member:
            member._changed = lambda: turns.append(member.lease is not None)
            way.broken = True
            await asyncio.sleep(TTL_SECONDS + 1)
            assert member.lease is None and turns == [False]
            assert member.problem is not None and "T1506" not in member.problem.code
            assert stands(store) is None
            way.broken = False
            await asyncio.sleep(2)
            assert member.lease is not None and member.problem is None and turns == [False, True]

    run_virtual(main())


def test_what_a_node_says_of_itself_is_written_when_it_changed():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store) as member:
            revision = store.revision
            await member.tell()
            assert store.revision == revision, "nothing changed"
            member._describe = lambda: Live(id="one", incarnation="boot/1", zone="moved")
            await member.tell()
            assert stands(store).zone == "moved" and stands(store).index == 1

    run_virtual(main())


def test_a_store_that_forgot_what_a_node_said_is_told_it_again():
    async def main() -> None:
        store = MemoryStore()
        async with joined(store, zone="z1") as member:
            before = store.entries[live_key("a")]
            await member.tell()
            assert store.entries[live_key("a")] == before
            await store.txn((), (Put(key=live_key("a"), value=b"{}", lease=before.lease),))
            await member.retell()
            assert stands(store).zone == "z1" and store.entries[live_key("a")].lease == before.lease

    run_virtual(main())


def test_of_two_that_join_at_the_same_moment_one_does():
    async def main() -> None:
        store = MemoryStore()
        slow, quick = Way(store), Way(store)
        slow.delays = [0, 0, 0, 0, 0.05]
        async with joined(slow, id_="slow") as first, joined(quick, id_="quick") as second:
            await asyncio.sleep(1)
            assert [first.lease is None, second.lease is None].count(True) == 1
            out = first if first.lease is None else second
            assert out.problem.code == "T2300"

    run_virtual(main())


def test_leases_are_in_doubt_for_as_long_as_one_after_the_store_was_away_for_long_and_not_after_a_short_time():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with joined(way) as member:
            assert not member.is_doubtful, "who has just started has missed nothing"
            for seconds, doubts in ((4, False), (13, True), (60, True)):
                way.broken = True
                await asyncio.sleep(seconds)
                assert member.is_doubtful is doubts
                way.broken = False
                await asyncio.sleep(TTL_SECONDS - 2)
                assert member.is_doubtful is doubts
                await asyncio.sleep(2 * KEEP_SECONDS)
                assert not member.is_doubtful

    run_virtual(main())


def test_a_node_counts_as_cut_off_two_seconds_before_its_lease_can_end_and_until_it_is_in_again():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with joined(way) as member:
            now, turns, was = asyncio.get_running_loop().time, [], False
            spoke = member._lease.deadline - TTL_SECONDS
            way.broken = True
            while now() < spoke + TTL_SECONDS + 1:
                if member.is_cut_off != was:
                    was = member.is_cut_off
                    turns.append((round(now() - spoke, 1), was))
                await asyncio.sleep(0.05)
            assert [(round(at), cut) for at, cut in turns] == [(13.0, True)]
            assert turns[0][0] <= TTL_SECONDS - FENCE_SECONDS + 0.1
            way.broken = False
            await asyncio.sleep(2)
            assert not member.is_cut_off

    run_virtual(main())


def test_a_program_that_cannot_join_at_its_start_counts_as_cut_off_after_five_seconds():
    async def main() -> None:
        way = Way(MemoryStore())
        way.broken = True
        async with joined(way) as member:
            assert not member.is_cut_off
            await asyncio.sleep(START_SECONDS)
            assert member.is_cut_off
            way.broken = False
            await asyncio.sleep(2)
            assert not member.is_cut_off

    run_virtual(main())
