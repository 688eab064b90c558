from __future__ import annotations

import ssl

import pytest
import trustme
from aiohttp import web

from tests.support.hook import listening, never
from tidegate.control.outgoing import MAX_ANSWER, Answer, Outgoing


@pytest.fixture
async def outgoing():
    made = Outgoing()
    yield made
    await made.close()


async def test_an_answer_comes_with_status_and_body(outgoing, no_blocking):
    async with listening((201, b"made")) as hook:
        answer = await outgoing.post(f"{hook.url}/a?b=c", b"{}", {"X-A": "1"}, 5.0)
    assert (answer.status, answer.body, answer.fault, answer.good) == (201, b"made", "", True)
    assert hook.said[0].path == "/a?b=c"
    assert hook.said[0].body == b"{}"
    assert hook.said[0].headers["X-A"] == "1"
    assert hook.said[0].headers["User-Agent"].startswith("tidegate/")


async def test_who_does_not_answer_in_time_is_a_fault(outgoing):
    async with listening(never) as hook:
        answer = await outgoing.post(hook.url, b"", {}, 0.05)
    assert answer == Answer(fault="no answer within 0.05 s")


async def test_who_is_not_there_is_a_fault(outgoing):
    async with listening() as hook:
        pass
    answer = await outgoing.post(hook.url, b"", {}, 5.0)
    assert answer.status == 0
    assert "refused" in answer.fault.lower()


async def test_what_is_no_url_is_a_fault(outgoing):
    answer = await outgoing.post("http://[::bad", b"", {}, 5.0)
    assert answer.status == 0
    assert answer.fault


async def test_nobody_is_followed_elsewhere(outgoing):
    async with listening() as other:

        async def lead(_):
            raise web.HTTPTemporaryRedirect(other.url)

        async with listening(lead) as hook:
            answer = await outgoing.post(hook.url, b"secret", {}, 5.0)
    assert answer.status == 307
    assert not other.said


async def test_an_endless_answer_is_cut(outgoing):
    async def flood(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_ANSWER // 65536 + 2):
            await response.write(bytes(65536))
        return response

    async with listening(flood) as hook:
        answer = await outgoing.post(hook.url, b"", {}, 5.0)
    assert answer == Answer(fault=f"an answer of more than {MAX_ANSWER} bytes")


async def test_an_authority_of_ones_own_is_trusted_and_no_other(tmp_path, outgoing):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    own = Outgoing(str(tmp_path / "ca.pem"))
    missing = Outgoing(str(tmp_path / "none.pem"))
    async with listening(tls=context) as hook:
        assert (await own.post(hook.url, b"", {}, 5.0)).status == 204
        assert "verify failed" in (await outgoing.post(hook.url, b"", {}, 5.0)).fault
        assert "No such file" in (await missing.post(hook.url, b"", {}, 5.0)).fault
    await own.close()
    await missing.close()


async def test_a_session_that_was_closed_is_opened_again(outgoing):
    async with listening() as hook:
        assert (await outgoing.post(hook.url, b"", {}, 5.0)).good
        await outgoing.close()
        assert (await outgoing.post(hook.url, b"", {}, 5.0)).good


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=500), "HTTP 500"),
        (Answer(status=409, body=b"  too slow:\n p99 3 s"), "too slow:"),
        (Answer(status=409, body=b"\xff\x00red\x1b[31m" + b"x" * 5000), "\ufffdred[31m" + "x" * 292),
        (Answer(fault="gone", status=0), "gone"),
    ],
)
def test_what_an_answer_says_fits_a_line(answer, says):
    assert answer.says == says
