"""What is particular to the cluster store: members that die, freeze or lose the others; users, TLS, compaction, large answers."""

# ruff: noqa: TID251  these tests start and cancel callers, as other components do
from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from base64 import b64encode

import pytest
import trustme
from msgspec import structs

from tests.support.etcd import QUICK, cluster
from tidegate.cluster import lease
from tidegate.errors import StoreError
from tidegate.store import etcd, etcd_watch, session
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Compare, Put, WatchLost

DEADLINE = 20.0


@contextlib.asynccontextmanager
async def opened(address, first=None):
    """A store; `first` is the member it begins with."""
    store = await EtcdStore.open(address)
    if first is not None:
        store.session._at = store.session.address.urls.index(first.url)
    try:
        yield store
    finally:
        await store.close()


async def put(store, key, value=b"1"):
    return await store.txn((), (Put(key=key, value=value),))


async def increment(store):
    while True:
        entry = await store.get("n")
        value = b"%d" % (int(entry.value) + 1)
        if await store.txn((Compare(key="n", revision=entry.revision),), (Put(key="n", value=value),)):
            return int(value)


# --------------------------------------------------------------------------------------------------- members that fail


async def test_over_the_death_of_the_leader_nothing_is_lost_done_twice_or_out_of_order(etcd_trio):
    leader = await asyncio.to_thread(lambda: etcd_trio.leader)
    async with opened(etcd_trio.address(), leader) as store, asyncio.timeout(DEADLINE):
        watch = store.watch("n", await put(store, "n", b"0"))
        for number in range(30):
            if number == 10:
                leader.process.kill()
            await increment(store)
        assert [(await anext(watch))[0].value for _ in range(30)] == [b"%d" % number for number in range(1, 31)]
    leader.start()
    await asyncio.to_thread(leader.wait)


async def test_a_lease_is_kept_over_the_death_of_the_leader(etcd_trio, monkeypatch):
    monkeypatch.setattr(lease, "TTL_SECONDS", 3.0)
    leader = await asyncio.to_thread(lambda: etcd_trio.leader)
    async with opened(etcd_trio.address(), leader) as store, asyncio.timeout(DEADLINE):
        mine = await lease.Lease.grant(store, asyncio.get_running_loop().time, sure_seconds=2.5)
        await store.txn((), (Put(key="me", value=b"1", lease=mine.number),))
        holding = asyncio.ensure_future(mine.hold(random.Random(1), 1.0))
        first = mine.deadline
        leader.process.kill()
        while mine.deadline < first + 3.0:  # noqa: ASYNC110  longer than it would live without
            await asyncio.sleep(0.05)
        assert await store.get("me") is not None
        assert not holding.done()
        holding.cancel()
    leader.start()
    await asyncio.to_thread(leader.wait)


async def test_a_watch_of_a_frozen_member_goes_on_elsewhere_within_ten_seconds(etcd_trio):
    leader = await asyncio.to_thread(lambda: etcd_trio.leader)
    frozen, other = etcd_trio.others(leader)
    address = etcd_trio.address(frozen, other, leader)
    async with opened(address, frozen) as store, opened(address, other) as writer:
        watch = store.watch("a", await put(store, "a"))
        reading = asyncio.ensure_future(anext(watch))
        await put(writer, "a", b"2")
        async with asyncio.timeout(DEADLINE):
            assert (await reading)[0].value == b"2"
        assert watch._stream.member == frozen.url
        frozen.freeze()
        try:
            await put(writer, "a", b"3")
            async with asyncio.timeout(10.0):
                assert (await anext(watch))[0].value == b"3"
            assert watch._stream.member != frozen.url
        finally:
            frozen.thaw()


async def test_without_a_majority_nothing_is_believed_and_all_goes_on_with_it(etcd_trio, monkeypatch):
    survivor, *others = etcd_trio.members
    async with opened(etcd_trio.address(survivor)) as store:
        watch = store.watch("a", await put(store, "a"))
        reading = asyncio.ensure_future(anext(watch))
        await store.get("a")
        for each in others:
            each.process.kill()
        monkeypatch.setattr(session, "CALL_SECONDS", 2.0)
        with pytest.raises(StoreError) as error:
            async with asyncio.timeout(DEADLINE):
                await store.get("a")
        assert error.value.problems[0].code == "T1520"
        assert store.problems == error.value.problems
        assert not reading.done()
        for each in others:
            each.start()
        for each in etcd_trio.members:
            await asyncio.to_thread(each.wait)
        monkeypatch.undo()
        await put(store, "a", b"2")
        async with asyncio.timeout(DEADLINE):
            assert (await reading)[0].value == b"2"
        assert store.problems == ()


async def test_a_store_restored_from_a_backup_is_noticed_and_listed_again(caplog):
    with cluster(1) as made:
        (member,) = made.members
        async with opened(made.address()) as store, asyncio.timeout(DEADLINE):
            await put(store, "a")
            await asyncio.to_thread(member.save)
            watch = store.watch("a", (await store.list("")).revision)
            for value in (b"2", b"3", b"4"):
                await put(store, "a", value)
                assert (await anext(watch))[0].value == value
            await asyncio.to_thread(member.restore)
            with pytest.raises(WatchLost):
                await anext(watch)
            listing = await store.list("a")
            assert [entry.value for entry in listing.entries] == [b"1"]
            assert "T1527" in caplog.text
            assert [each.code for each in store.problems] == ["T1527"]
            again = store.watch("a", listing.revision)
            await put(store, "a", b"5")
            assert (await anext(again))[0].value == b"5"


async def test_a_store_without_space_is_read_and_followed_says_so_throughout_and_takes_writes_again_once_it_has_some(
    monkeypatch,
):
    monkeypatch.setattr(etcd_watch, "SILENCE_SECONDS", (0.02, 0.03))  # it proves itself again and again
    with cluster(1, (*QUICK, "--quota-backend-bytes=500000")) as made:
        (member,) = made.members
        async with opened(made.address()) as store, asyncio.timeout(DEADLINE):
            held = await store.grant(15.0)
            with pytest.raises(StoreError) as caught:
                await _filled(store)
            assert [each.code for each in caught.value.problems] == ["T1525"]
            assert "disarm" in caught.value.problems[0].mend
            watch = store.watch("k/", (await store.list("k/")).revision)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await anext(watch)
            assert await store.keep(held)
            assert [each.code for each in store.problems] == ["T1525"], "though calls succeed"
            prefix = store.prefix.decode()
            ends = {"key": _base64(f"{prefix}/data/"), "range_end": _base64(f"{prefix}/data0")}
            header = (await asyncio.to_thread(member.ask, "/v3/kv/deleterange", **ends))["header"]
            assert (await anext(watch))[0].value is None, "what happens is told as ever"
            await asyncio.to_thread(_make_room, member, header)
            await put(store, "a")
            assert store.problems == ()


async def _filled(store):
    """Write until it takes no more."""
    for number in range(100):
        await put(store, f"k/{number}", b"x" * 100_000)


def _make_room(member, header):
    """What an operator does about a store without space."""
    member.ask("/v3/kv/compaction", revision=header["revision"], physical=True)
    member.ask("/v3/maintenance/defragment")
    member.ask("/v3/maintenance/alarm", action="DEACTIVATE", memberID=header["member_id"], alarm="NOSPACE")


# ---------------------------------------------------------------------------------------------------------- compaction


async def test_a_watch_that_is_up_to_date_does_not_notice_a_compaction_and_one_that_was_behind_does(
    etcd_member, monkeypatch
):
    monkeypatch.setattr(session, "SAMPLE_SECONDS", 0.0)
    async with opened(etcd_member.address()) as store, asyncio.timeout(DEADLINE):
        start = await put(store, "a")
        watch = store.watch("a", start)
        for value in (b"2", b"3"):
            await put(store, "a", value)
            assert (await anext(watch))[0].value == value
        store.session._clock = store._clock = lambda: 1e9
        assert await store.compact(60.0) >= start
        await put(store, "a", b"4")
        assert (await anext(watch))[0].value == b"4"
        behind = store.watch("a", 1)
        with pytest.raises(WatchLost):
            await anext(behind)


async def test_what_is_younger_than_asked_is_not_compacted(etcd_member):
    async with opened(etcd_member.address()) as store:
        start = await put(store, "a")
        await put(store, "a", b"2")
        assert await store.compact(60.0) == 0
        async with asyncio.timeout(DEADLINE):
            assert (await anext(store.watch("a", start)))[0].value == b"2"


async def test_a_compaction_sweeps_away_what_dead_callers_left(etcd_member, monkeypatch):
    monkeypatch.setattr(session, "SAMPLE_SECONDS", 0.0)
    address = etcd_member.address()
    async with opened(address) as dead:
        assert await dead.txn((Compare(key="a", revision=0),), (Put(key="a", value=b"1"),))
        dead._committer._made = 0  # it dies before it can tidy up
    async with opened(address) as store:
        await put(store, "b")
        assert len((await store.scan(store.prefix + b"/session/"))[0]) == 1
        store.session._clock = store._clock = lambda: 1e9
        await store.compact(60.0)
        assert (await store.scan(store.prefix + b"/session/"))[0] == []


# ------------------------------------------------------------------------------------------------------------- volumes


async def test_a_listing_of_many_pages_is_of_one_revision(etcd_member, monkeypatch):
    monkeypatch.setattr(etcd, "PAGE", 7)
    async with opened(etcd_member.address()) as store:
        revision = await store.txn((), tuple(Put(key=f"k{number:02}", value=b"1") for number in range(50)))
        pages = []
        scanned = store.session.again

        async def between(path, body, kind):
            found = await scanned(path, body, kind)
            if path.endswith("range") and "limit" in body:
                pages.append(len(found.kvs))
                await scanned("/v3/kv/put", {"key": store._ground.key(f"k{len(pages):02}x"), "value": b""}, kind)
            return found

        store.session.again = between
        listing = await store.list("k")
    assert [entry.key for entry in listing.entries] == [f"k{number:02}" for number in range(50)]
    assert listing.revision == revision
    assert pages == [7] * 7 + [1]


async def test_more_than_one_answer_can_carry_is_listed_and_watched(etcd_member):
    async with opened(etcd_member.address()) as store, asyncio.timeout(DEADLINE):
        start = (await store.list("")).revision
        for number in range(8):
            puts = tuple(Put(key=f"k{number}/{part:02}", value=b"x" * 65536) for part in range(16))
            await store.txn((), puts)
        assert sum(len(entry.value) for entry in (await store.list("k")).entries) == 8 << 20
        watch = store.watch("k", start)
        assert [len(await anext(watch)) for _ in range(8)] == [16] * 8


# ------------------------------------------------------------------------------------------------------- who may do what


async def test_a_token_that_a_restart_made_worthless_is_fetched_anew(monkeypatch):
    def enable(member, prefix):
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        member.ask("/v3/auth/user/add", name="root", password="r")
        member.ask("/v3/auth/role/add", name="root")
        member.ask("/v3/auth/user/grant", user="root", role="root")
        member.ask("/v3/auth/user/add", name="me", password="p:w")
        member.ask("/v3/auth/role/add", name="mesh")
        permission = {"permType": "READWRITE", "key": _base64(prefix), "range_end": _base64(end)}
        member.ask("/v3/auth/role/grant", name="mesh", perm=permission)
        member.ask("/v3/auth/user/grant", user="me", role="mesh")
        member.ask("/v3/auth/enable")

    with cluster(1) as made:
        (member,) = made.members
        address = made.address(prefix="/mesh", user="me", password="p:w")
        await asyncio.to_thread(enable, member, "/mesh/")
        async with opened(address) as store, asyncio.timeout(DEADLINE):
            watch = store.watch("a", await put(store, "a"))
            reading = asyncio.ensure_future(anext(watch))
            await store.get("a")
            member.process.kill()
            await asyncio.to_thread(member.process.wait)
            member.start()
            await asyncio.to_thread(member.wait)
            assert (await store.get("a")).value == b"1"
            await put(store, "a", b"2")
            assert (await reading)[0].value == b"2"
        await _refusals(made, address)


async def _refusals(made, address):
    for wrong, code in (
        (structs.replace(address, password="wrong"), "T1523"),
        (structs.replace(address, user="", password=""), "T1523"),
        (structs.replace(address, prefix="/other"), "T1524"),
    ):
        async with opened(wrong) as store, asyncio.timeout(DEADLINE):
            with pytest.raises(StoreError) as error:
                await store.get("a")
            assert error.value.problems[0].code == code
            with pytest.raises(StoreError) as error:
                await anext(store.watch("a", 1))
            assert error.value.problems[0].code == code


def _base64(text):
    return b64encode(text.encode()).decode()


async def test_members_are_spoken_to_over_tls_with_a_certificate_of_ours(tmp_path):
    authority = trustme.CA()
    server, ours = authority.issue_cert("127.0.0.1"), authority.issue_cert("mesh@example.test")
    for name, blob in (
        ("ca", authority.cert_pem),
        ("server.crt", server.cert_chain_pems[0]),
        ("server.key", server.private_key_pem),
        ("ours.crt", ours.cert_chain_pems[0]),
        ("ours.key", ours.private_key_pem),
    ):
        blob.write_to_path(str(tmp_path / name))
    tls = ssl.create_default_context(cafile=str(tmp_path / "ca"))
    tls.load_cert_chain(tmp_path / "ours.crt", tmp_path / "ours.key")
    options = (
        f"--cert-file={tmp_path}/server.crt",
        f"--key-file={tmp_path}/server.key",
        f"--trusted-ca-file={tmp_path}/ca",
        "--client-cert-auth",
        *QUICK,
    )
    with cluster(1, options, tls) as made:
        files = {"ca": f"{tmp_path}/ca", "cert": f"{tmp_path}/ours.crt", "key": f"{tmp_path}/ours.key"}
        async with opened(made.address(**files)) as store, asyncio.timeout(DEADLINE):
            watch = store.watch("a", await put(store, "a"))
            await put(store, "a", b"2")
            assert (await anext(watch))[0].value == b"2"
        for wrong, cause in ((made.address(ca=files["ca"]), "ssl"), (made.address(ca="system"), "certificate")):
            async with opened(wrong) as store, asyncio.timeout(DEADLINE):
                with pytest.raises(StoreError) as error:
                    await store.session.ask("/v3/kv/range", {"key": b"a"}, session.RangeAnswer, 0.5)
                assert error.value.problems[0].code == "T1520"
                assert cause in error.value.problems[0].cause.lower()
