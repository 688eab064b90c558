"""Reload with real processes: nothing is refused, reset or lost, and nothing changes where the new generation is no good."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest
from msgspec import msgpack

from tests.support.children import alive, children, descriptors
from tests.support.client import Client
from tests.support.dns_load import DnsLoad
from tests.support.load import Load
from tests.support.origin import ok
from tests.support.serve import until
from tests.support.static import HOST, static
from tests.support.upstream import answer
from tidegate.app.handover import Handover, inherited
from tidegate.config import Config
from tidegate.errors import ConfigError
from tidegate.tasks import Tasks

HANDSHAKE = (
    f"GET /tunnel HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


async def reload(tidegate, number=signal.SIGHUP):
    """Send the signal and wait until all children are new, and serve; the children before."""
    before = tidegate.pids()
    done = tidegate.log().count("the new generation serves")
    tidegate.process.send_signal(number)
    await until(lambda: tidegate.log().count("the new generation serves") > done, what="the new generation")
    assert not set(before.values()) & set(tidegate.pids().values())
    return before


async def refused(tidegate, why):
    """Send the signal and wait until the log says why nothing changes."""
    before, done = tidegate.pids(), tidegate.log().count("reload refused")
    tidegate.process.send_signal(signal.SIGHUP)
    await until(lambda: tidegate.log().count("reload refused") > done, what="the refusal")
    assert why in tidegate.log()
    assert "nothing was started" not in tidegate.log()
    assert tidegate.pids() == before
    assert (await tidegate.request(HOST))[0] == 200


async def test_reloads_under_load_fail_no_request_and_leave_nothing_behind(tmp_path):
    async with static(tmp_path, workers=2) as tidegate:
        first = await reload(tidegate)
        await until(lambda: not any(map(alive, first.values())), what="the first generation is gone")
        supervisor, before = tidegate.process.pid, descriptors(tidegate.process.pid)
        kept = Load(tidegate.http, HOST, rate=150, forgive_closed=True)
        fresh = Load(tidegate.http, HOST, rate=100, extra="Connection: close\r\n")
        async with kept, fresh:
            for number in (signal.SIGHUP, signal.SIGUSR2) * 2:
                old = await reload(tidegate, number)
                await until(lambda old=old: not any(map(alive, old.values())), what="the old generation is gone")
            await until(tidegate.is_ready)
        assert not kept.failures
        assert not fresh.failures
        assert tidegate.process.pid == supervisor
        assert children(supervisor) == set(tidegate.pids().values())
        assert descriptors(supervisor) == before


class SlowUpstream(asyncio.DatagramProtocol):
    """Answers every query after a while, with what must not be kept."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        reply = answer(data, "0 A 192.0.2.1")
        asyncio.get_running_loop().call_later(0.3, self.transport.sendto, reply, address)


async def test_reloads_under_load_lose_no_query(tmp_path):
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(SlowUpstream, ("127.0.0.1", 0))
    upstream = "{}:{}".format(*transport.get_extra_info("sockname"))
    names = ["web.mesh.internal", "nope.mesh.internal", "www.example.org"]
    patient = "dns: {forward_timeout_seconds: 4, forward_total_seconds: 8}\n"  # while five interpreters start at once
    async with (
        static(tmp_path, "--upstream-dns", upstream, settings=patient) as tidegate,
        DnsLoad(tidegate.dns, names, rate=600) as load,
    ):
        for turn in range(6):
            load.mark(f"reload {turn}")
            old = await reload(tidegate)
            load.mark(f"the new generation serves, {turn}")
            await until(lambda old=old: not any(map(alive, old.values())), what="the old generation is gone")
            load.mark(f"the old generation is gone, {turn}")
    transport.close()
    assert load.odd("NOERROR", "NXDOMAIN") == []
    assert load.sent > 1000


async def test_names_are_resolved_until_the_last_request_has_finished(tmp_path):
    release = asyncio.Event()

    async def slowly(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/slow":
                await release.wait()
            await peer.send(ok(b"late\n"))

    async with static(tmp_path, script=slowly, settings="dns: {lame_duck_seconds: 0.01}\n") as tidegate:
        client = await Client.connect(tidegate.http)
        await client.send(f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await until(lambda: any(each.target == "/slow" for each in tidegate.origin.requests))
        tidegate.process.send_signal(signal.SIGTERM)
        await until(lambda: refuses(tidegate.http), what="nothing new is accepted")
        async with DnsLoad(tidegate.dns, [HOST], rate=100) as load:
            await until(lambda: load.sent > 50)
        assert load.lost == []
        release.set()
        assert (await client.response()).body == b"late\n"
        assert await tidegate.ended() == 0
        assert "did not stop in time" not in tidegate.log()


async def refuses(address):
    try:
        client = await Client.connect(address)
    except ConnectionRefusedError:
        return True
    client.reset()
    return False


async def test_a_request_in_flight_is_answered_by_the_old_generation_and_told_to_close(tmp_path):
    release = asyncio.Event()

    async def slowly(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/slow":
                await release.wait()
            await peer.send(ok(b"late\n"))

    async with static(tmp_path, script=slowly) as tidegate:
        client, idle = await Client.connect(tidegate.http), await Client.connect(tidegate.http)
        await idle.ask(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await client.send(f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await until(lambda: any(each.target == "/slow" for each in tidegate.origin.requests))
        old = await reload(tidegate)
        assert await idle.closed()
        assert alive(old["worker-0"])
        release.set()
        response = await client.response()
        assert (response.body, response.headers["connection"]) == (b"late\n", "close")
        await until(lambda: not alive(old["worker-0"]), what="the old worker ends")


async def test_a_tunnel_outlives_a_reload_until_its_own_deadline_and_does_not_delay_a_stop(tmp_path):
    async def echo(peer):
        head = await peer.head() or b""
        if b"/slow" in head:
            await peer.ended()
            return
        if b"/tunnel" not in head:
            await peer.send(ok(b"one\n", b"Connection: close\r\n"))
            return
        await peer.send(SWITCH)
        while data := await peer.reader.read(65536):
            await peer.send(data)

    async def opened(tidegate):
        client = await Client.connect(tidegate.http)
        await client.send(HANDSHAKE)
        assert (await client.until(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return client

    settings = "http: {drain_seconds: 1, tunnel_drain_seconds: 4}\n"
    async with static(tmp_path, script=echo, settings=settings) as tidegate:
        client, request = await opened(tidegate), await Client.connect(tidegate.http)
        await request.send(f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await until(lambda: tidegate.origin.open >= 2, what="both are with the container")
        old = (await reload(tidegate))["worker-0"]
        assert await request.closed()  # the deadline of requests has passed
        await client.send(b"still here")
        assert await client.read() == b"still here"
        assert await client.closed()
        await until(lambda: not alive(old))
        tidegate.settings.write_text("http: {drain_seconds: 1, tunnel_drain_seconds: 3600}\n")
        await reload(tidegate)
        second = await opened(tidegate)
        third = (await reload(tidegate))["worker-0"]
        assert await tidegate.stop() == 0
        assert not alive(third)
        assert await second.closed()
        await tidegate.start()


async def test_new_settings_count_after_a_reload_and_bad_ones_change_nothing(tmp_path):
    async with static(tmp_path, settings="http: {max_headers: 10}\n") as tidegate:
        many = "".join(f"X-{number}: y\r\n" for number in range(20))
        async with Load(tidegate.http, HOST, rate=50, forgive_closed=True) as load:
            assert await status_with(tidegate.http, many) == 431
            tidegate.settings.write_text("http: {max_headers: ten}\n")
            await refused(tidegate, f"{tidegate.settings}:1")
            tidegate.settings.write_text("workers: 1\nhttp: {\n")
            await refused(tidegate, f"{tidegate.settings}:3")
            tidegate.settings.write_text("http: {max_headers: 100}\n")
            await reload(tidegate)
            assert await status_with(tidegate.http, many) == 200
        assert not load.failures


async def status_with(where, fields):
    client = await Client.connect(where)
    response = await client.ask(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n".encode())
    client.reset()
    return response.status


async def test_a_broken_static_file_or_another_state_folder_is_refused(tmp_path):
    async with static(tmp_path) as tidegate:
        good = tidegate.file.read_text()
        tidegate.file.write_text("routes: [{host: 7}]\n")
        await refused(tidegate, "reload refused")
        tidegate.file.write_text(good)
        await reload(tidegate)


async def test_signals_in_the_middle_of_a_reload_are_not_lost_and_do_not_kill(tmp_path):
    async with static(tmp_path) as tidegate:
        async with Load(tidegate.http, HOST, rate=100, forgive_closed=True) as load, Tasks("signals") as tasks:
            storm = tasks.spawn("storm", _signal_for_ever(tidegate.process))
            await until(lambda: tidegate.log().count("the new generation serves") >= 2, what="two reloads")
            storm.cancel()
        assert not load.failures
        assert tidegate.process.returncode is None


async def _signal_for_ever(process):
    while True:
        process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.01)


async def test_one_process_says_that_it_cannot_hand_over_and_serves_on(tmp_path):
    async with static(tmp_path, workers=0) as tidegate:
        tidegate.process.send_signal(signal.SIGHUP)
        await until(lambda: "counts after a restart" in tidegate.log())
        assert (await tidegate.request(HOST))[0] == 200


def test_what_is_handed_over_is_read_once_and_taken_out_of_the_environment():
    given = Handover(folder="/state", lock=3, sockets=(), settings=msgpack.encode(Config(workers=3)))
    memory = os.memfd_create("test", 0)
    os.write(memory, msgpack.encode(given))
    os.lseek(memory, 0, os.SEEK_SET)
    environ = {"TIDEGATE_HANDOVER": str(memory)}
    assert inherited(environ) == given
    assert given.config() == Config(workers=3)
    assert environ == {}


@pytest.mark.parametrize("content", [b"", b"\xc1", msgpack.encode({"form": 2, "folder": "", "lock": 1, "sockets": []})])
def test_what_cannot_be_read_of_it_needs_a_restart(content):
    memory = os.memfd_create("test", 0)
    os.write(memory, content)
    os.lseek(memory, 0, os.SEEK_SET)
    with pytest.raises(ConfigError) as caught:
        inherited({"TIDEGATE_HANDOVER": str(memory)})
    assert caught.value.problems[0].code == "T1016"
