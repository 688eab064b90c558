"""Two routers: one has the containers, the other asks it for them."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from tests.support.client import GET, Client, get, post
from tests.support.origin import ok, saying, serving
from tests.support.router import endpoint, route, running, service, until
from tidegate.model import Address, HealthState
from tidegate.policy import Timeouts
from tidegate.router.passport import Asking, written
from tidegate.router.peering import MAX_HEAD_BYTES

QUICK = route(timeouts=Timeouts(hold=0.0, connect=2.0))


class Known:
    def __init__(self, secret=b"s" * 32):
        self.secret = secret

    def current(self):
        return self.secret


def node(name, secret=None):
    return {"node": name, "secret": secret or Known()}


def there(mesh, origin, **values):
    """The endpoint of an origin on node `a`, as another node is told of it."""
    one = endpoint(origin.address, node="a")
    return replace(one, **{"address": replace(mesh.peer, through=one.id), **values})


@asynccontextmanager
async def pair(origin, secret=None, **values):
    """Node `a` with the origin, and node `b` that reaches it through `a`."""
    async with running(parts=node("a")) as near, running(parts=node("b", secret)) as far:
        near.publish([QUICK], [service("web", endpoint(origin.address, node="a"))])
        far.publish([QUICK], [service("web", there(near, origin, **values))])
        yield near, far


def answering(make):
    """A script that answers each request with what `make` makes of it."""

    async def script(peer):
        while (asked := await peer.request()) is not None:
            await peer.send(ok(make(asked)))

    return script


async def test_a_container_answers_through_the_router_of_its_node_on_a_connection_that_is_kept():
    async with (
        serving(answering(lambda asked: asked.field("x-forwarded-for").encode())) as origin,
        pair(origin) as (
            _,
            far,
        ),
    ):
        client = await far.client()
        for _ in range(3):
            assert (await client.ask(GET)).body == b"127.0.0.1"
        assert origin.connections == 1, "one connection all the way"
        assert [one.in_flight for one in far.upstreams] == [0]


async def test_large_bodies_go_through_both_ways():
    body = bytes(range(256)) * 8192
    async with serving(answering(lambda asked: asked.body)) as origin, pair(origin) as (_, far):
        client = await far.client()
        assert (await client.ask(post(body))).body == body


async def test_a_container_that_is_gone_is_a_failed_connection():
    async with serving(saying(ok())) as origin:
        address = origin.address
    async with running(parts=node("a")) as near, running(parts=node("b")) as far:
        near.publish([QUICK], [service("web", endpoint(address, node="a"))])
        one = endpoint(address, node="a")
        far.publish([QUICK], [service("web", replace(one, address=replace(near.peer, through=one.id)))])
        response = await (await far.client()).ask(GET)
        assert (response.status, response.reason) == (502, "connect-failed")
        assert far.failures, "passive health is told"


@pytest.mark.parametrize("secret", [Known(b"another"), Known(b"")], ids=["of another cluster", "without a secret"])
async def test_who_does_not_belong_to_the_cluster_gets_nothing(secret):
    async with serving(saying(ok())) as origin, pair(origin, secret) as (near, far):
        assert (await (await far.client()).ask(GET)).status == 502
        assert origin.connections == 0 and near.router.peers.refused


async def test_what_a_node_reaches_only_through_another_it_does_not_pass_on():
    async with serving(saying(ok())) as origin, pair(origin) as (near, far):
        one = there(near, origin)
        async with running(parts=node("c")) as third:
            onward = replace(one, node="b", address=Address(host=far.peer.host, port=far.peer.port, through=one.id))
            third.publish([QUICK], [service("web", onward)])
            assert (await (await third.client()).ask(GET)).status == 502
            assert origin.connections == 0


async def test_an_endpoint_that_the_node_does_not_have_is_refused():
    async with serving(saying(ok())) as origin, pair(origin) as (near, far):
        address = replace(near.peer, through="stranger:80")
        far.publish(services=[service("web", there(near, origin, id="stranger:80", address=address))])
        assert (await (await far.client()).ask(GET)).status == 502
        assert origin.connections == 0


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x00\x00\r\n\r\n",
        b"x" * (MAX_HEAD_BYTES + 10),
        written(Asking(node="b", to="a", service="web", endpoint="e", when=0), b"s" * 32) + b"early",
    ],
    ids=["a request", "a TLS hello", "too long", "bytes behind the head"],
)
async def test_whatever_else_arrives_there_is_refused(head):
    async with running(parts=node("a")) as near:
        reader, writer = await asyncio.open_connection(near.peer.host, near.peer.port)
        writer.write(head)
        async with asyncio.timeout(5):
            answer = await reader.read()
        assert answer.split(b" ")[1] in (b"400", b"407")
        writer.close()
        await until(lambda: not near.core.connections)


async def test_who_says_nothing_is_cut_in_time(monkeypatch):
    monkeypatch.setattr("tidegate.router.peering.HEAD_SECONDS", 0.1)
    async with running(parts=node("a")) as near:
        reader, writer = await asyncio.open_connection(near.peer.host, near.peer.port)
        async with asyncio.timeout(5):
            await asyncio.gather(reader.read(), return_exceptions=True)
        writer.close()
        await until(lambda: not near.core.connections)


async def test_clients_of_the_router_cannot_ask_for_a_connection():
    async with serving(saying(ok())) as origin, pair(origin) as (near, _):
        head = written(
            Asking(node="b", to="a", service="web", endpoint=f"web-{origin.address[1]}:80", when=0), b"s" * 32
        )
        client = await Client.connect(near.address)
        assert (await client.ask(head)).status in (400, 404, 405, 501)
        assert origin.connections == 0


async def test_a_node_that_stops_ends_what_rests_and_finishes_what_does_not():
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def slow(peer):
        while (asked := await peer.request()) is not None:
            if asked.target == "/slow":
                arrived.set()
                await let_go.wait()
            await peer.send(ok(b"done"))

    async with serving(slow) as origin, pair(origin) as (near, far):
        resting, busy = await far.client(), await far.client()
        assert (await resting.ask(GET)).body == b"done"
        asked = asyncio.ensure_future(busy.ask(get("/slow")))  # noqa: TID251  beside the test
        other = await far.client()
        assert (await other.ask(GET)).body == b"done"
        async with asyncio.timeout(10):
            await arrived.wait()
        near.router.stop()
        await until(lambda: sum(one.pooled() for one in far.upstreams) == 0 or len(near.core.connections) == 1)
        let_go.set()
        assert (await asked).body == b"done"
        async with asyncio.timeout(10):
            await near.done.wait()


async def test_whether_an_endpoint_is_ready_is_for_who_asks_to_judge():
    async with serving(answering(lambda _: b"done")) as origin, pair(origin) as (near, far):
        near.publish(services=[service("web", endpoint(origin.address, node="a", state=HealthState.STARTING))])
        assert (await (await far.client()).ask(GET)).body == b"done"


async def test_an_endpoint_that_drains_still_takes_what_is_on_its_way():
    async with serving(answering(lambda _: b"done")) as origin, pair(origin) as (near, far):
        near.publish(services=[service("web", endpoint(origin.address, node="a", state=HealthState.DRAINING))])
        assert (await (await far.client()).ask(GET)).body == b"done"
