"""Every real client through Tidegate to every real server: methods, sizes, framings, on kept connections."""

from __future__ import annotations

import pytest

from tests.support.apps import contract
from tests.support.asking import ASKERS, CANNOT_CHUNK, Ask, reply
from tests.support.servers import SERVERS, SIZES

EMPTY = reply(200, b"")


def course(server, client):
    """What is asked, and what must come back."""
    yield Ask("HEAD", server.path("/bytes/65535")), EMPTY
    for size in SIZES:
        yield Ask("GET", server.path(f"/bytes/{size}")), whole(size)
    if "stream" in server.can:
        for size in SIZES[1:]:
            yield Ask("GET", server.path(f"/stream/{size}")), whole(size)
    if "echo" in server.can:
        for size in SIZES:
            yield Ask("POST", server.path("/echo"), size), whole(size)
    if "chunked" in server.can and client not in CANNOT_CHUNK:
        for size in SIZES[1:]:  # curl 7.88 forgets the last chunk of an empty file
            yield Ask("PUT", server.path("/echo"), size, chunked=True), whole(size)
    if server.name == "nginx":
        yield from stored(client)
    if "fields" in server.can:
        yield Ask("GET", server.path("/status/204")), EMPTY._replace(status=204)
        yield Ask("GET", server.path("/status/304")), EMPTY._replace(status=304)
    yield Ask("GET", server.path("/bytes/1")), whole(1)


def stored(client):
    """nginx takes files: 201 for a new one, 204 for one replaced."""
    name = f"/put/{client}"
    yield Ask("PUT", name, 1 << 20), EMPTY._replace(status=201)
    yield Ask("GET", name), whole(1 << 20)
    if client not in CANNOT_CHUNK:
        yield Ask("PUT", name, 65535, chunked=True), EMPTY._replace(status=204)
        yield Ask("GET", name), whole(65535)


def whole(size):
    return reply(200, contract.content(size))


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
@pytest.mark.parametrize("client", ASKERS)
async def test_a_client_and_a_server_understand_each_other(lab, server, client, tmp_path):
    asks, wanted = zip(*course(server, client), strict=True)
    got = await ASKERS[client](lab.where, server.host, asks, tmp_path)
    assert dict(enumerate(zip(asks, got, strict=True))) == dict(enumerate(zip(asks, wanted, strict=True)))
