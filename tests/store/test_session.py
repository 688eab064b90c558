"""Members that refuse, are silent, or lose answers, before a real etcd."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time

import pytest
import trustme

from tests.support.lossy import Lossy
from tidegate.control.metrics import Registry
from tidegate.errors import StoreError
from tidegate.store import gateway, session
from tidegate.store.address import parse
from tidegate.store.credentials import Credentials
from tidegate.store.gateway import Header, LeaseAnswer, RangeAnswer
from tidegate.store.session import Session

ANY = gateway.ranged(b"/nothing")


@pytest.fixture
async def asking(etcd_member):
    made = []

    def make(*ports, seed=0, clock=time.monotonic):
        address = etcd_member.address()
        members = tuple(f"127.0.0.1:{port}" for port in ports) or address.members
        address = type(address)(members=members, prefix=address.prefix)
        made.append(Session(address, Credentials(address), clock, random.Random(seed)))
        made[-1]._at = 0
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def silent():
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def test_a_member_that_is_not_there_is_left_and_the_next_one_stayed_with(asking, etcd_member):
    made = asking(nobody(), etcd_member.members[0].client)
    made.metrics = metrics = Registry()
    await made.ask("/v3/kv/range", ANY, RangeAnswer)
    assert made._member == etcd_member.members[0].url
    assert metrics.value("tidegate_store_missed_tries_total", verdict="again") == 1
    await made.ask("/v3/kv/range", ANY, RangeAnswer)
    assert made._member == etcd_member.members[0].url


async def test_a_silent_member_is_left_after_its_time(asking, etcd_member, silent, monkeypatch):
    monkeypatch.setattr(session, "TRY_SECONDS", 0.1)
    made = asking(silent, etcd_member.members[0].client)
    await made.ask("/v3/kv/range", ANY, RangeAnswer)
    assert made._member == etcd_member.members[0].url


async def test_many_calls_that_fail_at_once_leave_a_member_once(asking, etcd_member):
    made = asking(nobody(), etcd_member.members[0].client, nobody())
    await asyncio.gather(*(made.ask("/v3/kv/range", ANY, RangeAnswer) for _ in range(20)))
    assert made._member == etcd_member.members[0].url


async def test_without_any_member_a_call_ends_in_time_and_says_why(asking, monkeypatch):
    monkeypatch.setattr(session, "CALL_SECONDS", 0.2)
    made = asking(nobody())
    with pytest.raises(StoreError) as error:
        await made.ask("/v3/kv/range", ANY, RangeAnswer)
    problem = error.value.problems[0]
    assert problem.code == "T1520"
    assert "refused" in problem.cause.lower()
    assert made.problem == problem


async def test_a_call_ends_in_time_also_where_a_try_ends_in_the_same_moment(asking, silent, monkeypatch):
    monkeypatch.setattr(session, "TRY_SECONDS", 0.1)
    monkeypatch.setattr(session, "CALL_SECONDS", 0.1)
    made = asking(silent)
    async with asyncio.timeout(5):
        for _ in range(5):
            with pytest.raises(StoreError):
                await made.ask("/v3/kv/range", ANY, RangeAnswer)


async def test_a_call_that_succeeds_again_has_no_problem_any_more(asking, etcd_member, monkeypatch):
    monkeypatch.setattr(session, "CALL_SECONDS", 0.2)
    async with Lossy(etcd_member.members[0].client) as lossy:
        made = asking(lossy.port)
        lossy.loses = lambda request: True
        with pytest.raises(StoreError):
            await made.ask("/v3/kv/range", ANY, RangeAnswer)
        lossy.loses = lambda request: False
        await made.ask("/v3/kv/range", ANY, RangeAnswer)
        assert made.problem is None


async def test_calls_that_were_given_up_early_tell_of_a_silent_store_too(asking, monkeypatch):
    now = 0.0
    monkeypatch.setattr(session, "TRY_SECONDS", 0.05)
    made = asking(nobody(), clock=lambda: now)
    for now in (0.0, 4.0, 8.0):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.ask("/v3/kv/range", ANY, RangeAnswer), 0.1)
        assert (made.problem.code if made.problem else "") == ("T1520" if now > 5 else "")
    made.reached()
    assert made.problem is None


async def test_what_may_be_carried_out_once_only_is_not_asked_twice(asking, etcd_member):
    async with Lossy(etcd_member.members[0].client) as lossy:
        made = asking(lossy.port)
        lossy.loses = lambda request: True
        with pytest.raises(StoreError) as error:
            async with made.call(writing=True):
                await made.once("/v3/kv/put", {"key": b"/x", "value": b"1"}, RangeAnswer)
        assert error.value.problems[0].code == "T1521"
        assert lossy.lost == 1


async def test_a_write_that_nobody_can_have_got_is_not_called_doubtful(asking, monkeypatch):
    monkeypatch.setattr(session, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(session, "PAUSES", (0.0, 10.0))  # so that its time ends between two tries
    made = asking(nobody())
    with pytest.raises(StoreError) as error:
        async with made.call(writing=True):
            await made.once("/v3/kv/put", {"key": b"/x", "value": b"1"}, RangeAnswer)
    assert error.value.problems[0].code == "T1520"


async def test_more_calls_than_may_wait_are_refused(asking, silent, monkeypatch):
    monkeypatch.setattr(session, "PENDING", 3)
    monkeypatch.setattr(session, "CALL_SECONDS", 0.1)
    made = asking(silent)
    calls = [made.ask("/v3/kv/range", ANY, RangeAnswer) for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [each.problems[0].code for each in results] == ["T1520"] * 3 + ["T1511"] * 2


async def test_a_refusal_is_told_at_once_with_the_servers_words(asking):
    with pytest.raises(StoreError) as error:
        await asking().ask("/v3/kv/range", {}, RangeAnswer)
    assert error.value.problems[0].code == "T1526"
    assert "key is not provided" in error.value.problems[0].cause


async def test_a_closed_session_takes_no_calls(asking):
    made = asking()
    await made.close()
    with pytest.raises(StoreError) as error:
        await made.ask("/v3/kv/range", ANY, RangeAnswer)
    assert error.value.problems[0].code == "T1511"


async def test_a_revision_that_went_back_begins_a_new_epoch(asking, caplog):
    made = asking()
    made._saw(Header(cluster_id=1, revision=50), 0)
    made._saw(Header(cluster_id=1, revision=40), 30)  # asked before 50 was told
    assert (made.epoch, made.revision) == (0, 50)
    made._saw(Header(cluster_id=1, revision=20), 50)
    assert (made.epoch, made.revision) == (1, 20)
    assert "T1527" in caplog.text
    made._saw(Header(cluster_id=2, revision=90), 20)
    assert made.epoch == 2


async def test_revisions_are_remembered_with_their_time(asking):
    now = 0.0
    made = asking(clock=lambda: now)
    for step in range(100):
        now = step * 5.0
        made._saw(Header(cluster_id=1, revision=step + 1), 0)
    assert made.revision_of(100.0) == pytest.approx(80, abs=2)
    assert made.revision_of(1000.0) == 0


async def test_a_certificate_that_was_exchanged_is_shown_from_the_next_connection_on(tmp_path):
    authority, now, shown = trustme.CA(), 0.0, []
    authority.cert_pem.write_to_path(str(tmp_path / "ca"))

    def renew():
        made = authority.issue_cert("mesh@example.test")
        made.cert_chain_pems[0].write_to_path(str(tmp_path / "crt"))
        made.private_key_pem.write_to_path(str(tmp_path / "key"))

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        shown.append(writer.get_extra_info("peercert")["serialNumber"])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    renew()
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca"))
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    ours.verify_mode = ssl.CERT_REQUIRED
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=ours) as server:
        port = server.sockets[0].getsockname()[1]
        where = parse(f"etcd://127.0.0.1:{port}?ca={tmp_path}/ca&cert={tmp_path}/crt&key={tmp_path}/key")
        credentials = Credentials(where)
        credentials.load()
        made = Session(where, credentials, lambda: now, random.Random(0))
        for passed in (0.0, session.FILES_SECONDS - 1, 1.0):
            now += passed
            await made.ask("/v3/kv/range", ANY, LeaseAnswer)
            renew()
        await made.close()
    assert len(shown) == 3
    assert shown[0] == shown[1] != shown[2]
