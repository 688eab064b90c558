"""Judging response cases: an origin plays raw answers, a client hears, and the next client must get its own answer."""

from __future__ import annotations

import asyncio
import re

from tests.cases.strict import BY_CLOSE, WHOLE, read_answers
from tests.cases.talk import talk

PROBE = "GET /probe HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
REQUESTS = {
    "GET": "GET /c HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "HEAD": "HEAD /c HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "GET10": "GET /c HTTP/1.0\r\nHost: a.test\r\n\r\n",
    "WS": "GET /c HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "POST-BIG": "POST /c HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1048576\r\n\r\n" + "b" * 1048576,
}
#: How a finding begins when a client got what was not its own.
UNSAFE = ("the next client got", "the client got")
ERRORS = (502, 503, 504)
QUIET_SECONDS = 0.6
PATIENCE_SECONDS = 8.0  # with the next client, whose connection ends with its answer
LONGEST_CUT = 1000


class Player:
    """An origin that plays `case`, cut inside every line end if `cut`, and answers `/probe` soundly."""

    def __init__(self, *, cut=False):
        self.case = None
        self.cut = cut

    def parts(self):
        raw = self.case["raw"].encode("latin-1")
        return re.split(rb"(?<=\r)", raw) if self.cut and len(raw) < LONGEST_CUT else [raw]

    async def __call__(self, peer):
        while (head := await peer.head()) is not None:
            if b" /probe" in head.split(b"\r\n")[0]:
                await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Probe: 1\r\n\r\nprobe")
                continue
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            for part in self.parts():
                await peer.send(part)
                await asyncio.sleep(0.002 * self.cut)  # so that it goes out alone
            if self.case.get("backend_reset"):
                await asyncio.sleep(0.05)
                peer.reset()
                return
            if self.case["backend_close"]:
                return
            if length:  # an early answer, then the body is read off the wire
                await peer.reader.readexactly(int(length.group(1)))


async def finding(case, address, player):
    """What is wrong with what the clients got; empty if nothing is."""
    player.case = case
    asked = case["request"]
    heard = await talk(address, REQUESTS[asked], quiet=QUIET_SECONDS)
    answers, rest, ending = read_answers(heard.data, [True] if asked == "HEAD" else ())
    finals = [answer for answer in answers if answer.status >= 200 or answer.status == 101]
    probed = await talk(address, PROBE, case={"close": True}, quiet=PATIENCE_SECONDS)
    return (
        _poisoned(probed.data, probed.closed)
        or _split(case, finals, heard.data, rest)
        or _wrong(case, finals[0] if finals else None, ending, heard.closed)
        or _changed(case, answers, finals[0] if finals else None, heard.data)
    )


def _poisoned(data, closed):
    own = [answer for answer in read_answers(data)[0] if answer.status == 200 and answer.body == b"probe"]
    if own and b"EVIL" not in data and b"x-evil" not in data.lower():
        return ""
    return f"the next client got {data[:80]!r} and then {'the end' if closed else 'nothing'}"


def _split(case, finals, data, rest):
    several = sum(answer.status != 101 for answer in finals) > 1
    leaked = b"x-evil" in data.lower() and case["expected"] != "either"
    return f"the client got {data[:160]!r}" if several or leaked or b"X-Evil" in rest else ""


def _wrong(case, final, ending, closed):
    status = final.status if final else None
    if case["expected"] == "502":
        if status is None and not closed:
            return "no answer"
        return f"answered {status}" if status not in (None, *ERRORS) else ""
    if case["expected"] == "abort" and status not in (None, *ERRORS):
        if ending in (WHOLE, BY_CLOSE):
            return f"the cut message looks complete: {status} {final.body[:40]!r}"
        return "" if closed else "left open"
    return ""


def _changed(case, answers, final, data):
    """For answers that must arrive: whether they came as they should."""
    strict = case["expected"] == "forward-normalised"
    if not strict and (case["expected"] != "either" or final is None or final.status >= 500):
        return ""
    if final is None:
        return f"no answer: {data[:60]!r}"
    wanted = case.get("client", {})
    if strict and final.status != wanted.get("status", final.status):
        return f"answered {final.status}"
    same = final.status == wanted.get("status", final.status)
    checks = {
        "body": lambda want: not same or final.body == want.encode("latin-1"),
        "no_cl": lambda _: (
            not ("content-length" in final.names and ("transfer-encoding" in final.names or final.status == 204))
        ),
        "no_te": lambda _: "transfer-encoding" not in final.names,
        "no_1xx": lambda _: not any(100 <= answer.status < 200 for answer in answers),
        "headers_not": lambda want: not final.names.intersection(want),
        "set_cookies": lambda want: sum(name == "set-cookie" for name, _ in final.headers) == want,
        "no_fold": lambda _: not re.search(rb"\r\n[ \t]", data.partition(b"\r\n\r\n")[0]),
        "tail": lambda want: want.encode("latin-1") in data,
    }
    faults = [key for key, want in wanted.items() if key in checks and not checks[key](want)]
    return f"{faults}: {final}" if faults else ""
