"""The backend of the bad days, as its neighbours meet it."""

import asyncio

import pytest

from bench.macro.havoc import Client
from bench.macro.misbehaving import DONE, Misbehaving


@pytest.fixture
async def client():
    server = await asyncio.get_running_loop().create_server(Misbehaving, "127.0.0.1", 0)
    yield Client(server.sockets[0].getsockname()[1], "bad.test")
    server.close()


async def exchange(client, *data):
    reader, writer = await client.connect()
    for piece in data:
        writer.write(piece)
        await writer.drain()
    try:
        async with asyncio.timeout(5):
            return await reader.readexactly(len(DONE))
    finally:
        writer.close()


async def test_a_body_is_read_to_its_end_before_the_answer(client):
    head = client.head("/", "Content-Length: 10", method="POST")
    assert await exchange(client, head + b"12345", b"67890") == DONE


async def test_half_an_answer_ends_in_a_reset(client):
    reader, writer = await client.connect()
    writer.write(client.head("/cut"))
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(5):
            await reader.read(-1)
    writer.close()


async def test_a_head_that_is_asked_for_is_as_large_as_promised(client):
    sent = []
    client._ask = lambda request: done(sent.append(request))
    await client.big_head()
    assert 98_000 < len(sent[0]) < 102_000


async def done(_):
    pass
