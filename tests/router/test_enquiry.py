from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import bcrypt

from tests.support.origin import ok, saying, serving
from tidegate.router import enquiry
from tidegate.router.enquiry import Desk
from tidegate.router.filters.answer import AskAuthority, VerifyPassword


@asynccontextmanager
async def desk():
    made = Desk()
    try:
        yield made
    finally:
        await made.close()


async def test_a_password_is_verified_against_its_digest():
    digest = bcrypt.hashpw(b"right", bcrypt.gensalt(4))
    async with desk() as one:
        assert await one.answer(VerifyPassword(password=b"right", digest=digest)) is True
        assert await one.answer(VerifyPassword(password=b"wrong", digest=digest)) is False
        assert await one.answer(VerifyPassword(password=b"x", digest=b"no digest")) is False


async def test_too_many_passwords_at_once_are_turned_away(monkeypatch):
    monkeypatch.setattr(enquiry, "_MAX_VERIFYING", 2)
    digest = bcrypt.hashpw(b"right", bcrypt.gensalt(8))
    async with desk() as one:
        asked = [one.answer(VerifyPassword(password=b"right", digest=digest)) for _ in range(5)]
        outcomes = await asyncio.gather(*asked)
    assert sorted(outcomes, key=str) == [None, None, None, True, True]


def question(authority, timeout_seconds=5.0):
    return AskAuthority(
        url=f"http://127.0.0.1:{authority.address[1]}/",
        lines=b"Host: a.test\r\nCookie: a=\xc3\xa4\r\nContent-Length: 5\r\n",
        timeout_seconds=timeout_seconds,
    )


async def test_an_authority_gets_the_clients_fields_and_its_answer_comes_back_whole():
    async with serving(saying(ok(b"hello", extra=b"X-A: 1\r\nX-A: 2\r\n"))) as authority, desk() as one:
        reply = await one.answer(question(authority))
    assert (reply.status, reply.body) == (200, b"hello")
    assert [value for name, value in reply.headers if name == "X-A"] == ["1", "2"]
    assert authority.requests[0].field("cookie").encode("latin-1") == b"a=\xc3\xa4"
    assert authority.requests[0].field("content-length") is None


async def test_what_an_authority_says_too_much_is_left_unread():
    async with serving(saying(ok(b"x" * 300_000))) as authority, desk() as one:
        reply = await one.answer(question(authority))
    assert 0 < len(reply.body) <= 65536


async def test_no_answer_in_time_is_none():
    async with serving(lambda peer: peer.ended()) as authority, desk() as one:
        assert await one.answer(question(authority, 0.1)) is None
