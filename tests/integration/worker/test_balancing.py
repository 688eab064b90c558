"""Whom requests reach, seen from outside: cookies, keys and load, through real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.support.client import get
from tests.support.origin import ok, saying, serving
from tests.support.router import endpoint, quick, route, running, service, until
from tidegate.policy import Algorithm, Balance

STICKY = Balance(sticky=True, sticky_seconds=60)


@asynccontextmanager
async def origins(*names):
    """Origins that each answer with their name."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(saying(ok(name.encode())))) for name in names]


def endpoints(some, key="web", **values):
    return [endpoint(one.address, key, **values) for one in some]


def weighted(old, new, balance=STICKY, path="/"):
    """A route between the services `old` and `new`."""
    return route(path=path, backends={"old": old, "new": new}, balance=balance)


async def ask(client, cookie="", target="/", extra=b""):
    """(who answered, the cookie it set or "")."""
    field = f"Cookie: theirs=1; {cookie}\r\n".encode() if cookie else b""
    response = await client.ask(get(target, extra=field + extra))
    assert response.status == 200
    return response.body.decode(), response.headers.get("set-cookie", "")


async def test_a_client_stays_with_the_endpoint_of_its_first_answer():
    async with origins("a", "b", "c") as some, running() as mesh:
        mesh.publish([route(path="/shop", balance=STICKY)], [service("web", *endpoints(some))])
        client = await mesh.client()
        first, cookie = await ask(client, target="/shop/x")
        pair, *attributes = cookie.split("; ")
        assert attributes == ["Path=/shop", "Max-Age=60", "HttpOnly", "SameSite=Lax"]
        assert not any(str(one.address[1]) in cookie for one in some)
        for _ in range(5):
            assert await ask(client, pair, "/shop/y") == (first, "")
        assert len({(await ask(client, target="/shop"))[0] for _ in range(3)}) == 3


async def test_the_cookie_is_for_https_only_where_the_client_came_by_https():
    async with origins("a") as some, running(config=quick(trusted_proxies=("127.0.0.0/8",))) as mesh:
        mesh.publish([route(balance=STICKY)], [service("web", *endpoints(some))])
        client = await mesh.client()
        assert (await ask(client))[1].endswith("; SameSite=Lax")
        assert (await ask(client, extra=b"X-Forwarded-Proto: https\r\n"))[1].endswith("; SameSite=Lax; Secure")


async def test_another_router_with_the_same_key_understands_the_cookie():
    async with origins("a", "b", "c") as some, running() as one, running() as other:
        for mesh in (one, other):
            mesh.publish([route(balance=STICKY)], [service("web", *endpoints(some))])
        first, cookie = await ask(await one.client())
        client = await other.client()
        assert [await ask(client, cookie.partition(";")[0]) for _ in range(4)] == [(first, "")] * 4


async def test_shifting_half_keeps_clients_and_shifting_all_moves_them():
    async with origins("o1", "o2", "n1", "n2") as some, running() as mesh:
        both = [service("old", *endpoints(some[:2], "old")), service("new", *endpoints(some[2:], "new"))]
        mesh.publish([weighted(100, 0)], both)
        client = await mesh.client()
        pinned = [await ask(client) for _ in range(6)]
        assert all(name.startswith("o") for name, _ in pinned)
        mesh.publish([weighted(50, 50)])
        for name, cookie in pinned:
            assert await ask(client, cookie.partition(";")[0]) == (name, "")
        mesh.publish([weighted(0, 100)])
        for _, cookie in pinned:
            name, again = await ask(client, cookie.partition(";")[0])
            assert name.startswith("n")
            assert await ask(client, again.partition(";")[0]) == (name, "")


async def test_when_its_endpoint_goes_a_client_stays_with_the_version():
    async with origins("o1", "o2", "n1") as some, running() as mesh:
        new = service("new", *endpoints(some[2:], "new"))
        mesh.publish([weighted(1, 99)], [service("old", *endpoints(some[:1], "old")), new])
        client = await mesh.client()
        while not (found := await ask(client))[0].startswith("o"):
            pass
        mesh.publish(services=[service("old", *endpoints(some[1:2], "old")), new])
        name, cookie = await ask(client, found[1].partition(";")[0])
        assert name == "o2"
        assert await ask(client, cookie.partition(";")[0]) == ("o2", "")


async def test_a_forged_cookie_is_balanced_like_none():
    async with origins("a", "b") as some, running() as mesh:
        mesh.publish([route(balance=STICKY)], [service("web", *endpoints(some))])
        client = await mesh.client()
        answers = [await ask(client, "tidegate=" + "0" * 16 + "-" + "0" * 16) for _ in range(4)]
        assert {name for name, _ in answers} == {"a", "b"}
        assert all(cookie for _, cookie in answers)


@pytest.mark.parametrize(
    ("key", "extra"), [("header:X-User", b"x-user: %d\r\n"), ("cookie:sid", b"Cookie: sid=%d\r\n")]
)
async def test_hashed_requests_stay_together_and_a_raised_share_only_adds_to_it(key, extra):
    hashing = Balance(algorithm=Algorithm.HASH, hash_key=key)
    async with origins("o1", "o2", "n1") as some, running() as mesh:
        both = [service("old", *endpoints(some[:2], "old")), service("new", *endpoints(some[2:], "new"))]
        mesh.publish([weighted(80, 20, hashing)], both)
        client = await mesh.client()
        before = [(await ask(client, extra=extra % user))[0] for user in range(60)]
        assert before == [(await ask(client, extra=extra % user))[0] for user in range(60)]
        assert set(before) == {"o1", "o2", "n1"}
        mesh.publish([weighted(50, 50, hashing)])
        after = [(await ask(client, extra=extra % user))[0] for user in range(60)]
        assert after.count("n1") > before.count("n1")
        assert all(now in (then, "n1") for then, now in zip(before, after, strict=True))
        assert len({(await ask(client))[0] for _ in range(6)}) == 3  # without the field: in turn


async def test_least_requests_keep_away_from_an_endpoint_that_hangs():
    async def hang(peer):
        await peer.request()
        await peer.ended()

    async with serving(hang) as stuck, origins("a", "b") as some, running() as mesh:
        mesh.publish(
            [route(balance=Balance(algorithm=Algorithm.LEAST_REQUESTS))],
            [service("web", endpoint(stuck.address), *endpoints(some))],
        )
        clients = [await mesh.client() for _ in range(12)]
        answered = Counter()
        waiting = set()
        for _ in range(5):
            for client in clients:
                if client in waiting:
                    continue
                await client.send(get())
                reading = asyncio.ensure_future(client.response())  # noqa: TID251  a test waits for two things
                await until(lambda reading=reading: reading.done() or len(stuck.requests) > len(waiting))
                if reading.done():
                    answered[reading.result().body] += 1
                else:
                    waiting.add(client)
                    reading.cancel()
        assert len(waiting) <= 2  # in turn, it would have got a third of them
        assert sum(answered.values()) >= 48


@pytest.mark.parametrize("balance", [Balance(algorithm=Algorithm.HASH), Balance(split="client")])
async def test_clients_are_told_apart_behind_a_proxy_only_where_it_is_trusted(balance):
    for trusted in ((), ("127.0.0.0/8",)):
        async with origins("o", "n") as some, running(config=quick(trusted_proxies=trusted)) as mesh:
            both = [service("old", *endpoints(some[:1], "old")), service("new", *endpoints(some[1:], "new"))]
            mesh.publish([weighted(50, 50, balance)], both)
            client = await mesh.client()
            clients = [b"X-Forwarded-For: 198.51.100.%d\r\n" % last for last in range(20)]
            first = [(await ask(client, extra=each))[0] for each in clients]
            assert first == [(await ask(client, extra=each))[0] for each in clients]
            assert len(set(first)) == (2 if trusted else 1)
