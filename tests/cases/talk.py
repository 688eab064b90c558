"""One raw dialogue with the router: send a case's octets as it says, read until the router is quiet or closes."""

from __future__ import annotations

import asyncio
import contextlib
import re

from tests.cases.strict import read_answers
from tidegate.tasks import Tasks

QUIET_SECONDS = 0.35  # how long nothing must come before the router counts as waiting
DONE_SECONDS = 0.08  # the same once all answers are there
LONGEST_SECONDS = 15.0


class Heard:
    """What came back."""

    def __init__(self):
        self.data = b""
        self.closed = False


def head_requests(raw):
    return [method == "HEAD" for method in re.findall(r"(?:^|\r\n\r\n)(?:\r\n)*([A-Z]+) ", raw)]


async def talk(address, raw, *, expected=1, case=None, quiet=QUIET_SECONDS):
    """Send `raw` (by the case's steps, if it has some); give back what was heard."""
    case = case or {}
    heard = Heard()
    opened = getattr(address, "open", None)  # an address may know a way of its own
    reader, writer = await (opened() if opened is not None else asyncio.open_connection(*address[:2]))
    async with Tasks("case") as tasks:
        sending = tasks.spawn("send", _send(writer, raw, case, heard))
        await _listen(reader, sending, heard, (expected, case, head_requests(raw), quiet))
        sending.cancel()
    writer.close()
    return heard


async def _send(writer, raw, case, heard):
    octets = raw.encode("latin-1")
    step = (case.get("steps") or [{}])[0]
    with contextlib.suppress(ConnectionError, RuntimeError):
        for part in _parts(octets, step):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.002)
            if step.get("until") == "headers":
                await _continued(heard)
        if case.get("eof"):
            writer.write_eof()


def _parts(octets, step):
    if step.get("byte_by_byte"):
        return [octets[at : at + 1] for at in range(len(octets))]
    if "split_after" in step:
        return re.split(b"(?<=" + re.escape(step["split_after"].encode()) + b")", octets)
    if step.get("until") == "headers":
        end = octets.index(b"\r\n\r\n") + 4
        return [octets[:end], octets[end:]]
    return [octets]


async def _continued(heard):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            while not heard.data:  # noqa: ASYNC110  whatever comes first, or nothing
                await asyncio.sleep(0.01)


async def _listen(reader, sending, heard, bounds):
    expected, case, heads, quiet = bounds
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                part = await _more(reader, quiet if sending.done() else 2.0)
                if part is None and not sending.done():
                    continue
                if not part:
                    heard.closed = part == b""
                    return
                heard.data += part
                finals = [one for one in read_answers(heard.data, heads)[0] if one.status >= 200]
                if expected and len(finals) >= expected and sending.done() and not case.get("close"):
                    quiet = DONE_SECONDS


async def _more(reader, quiet):
    """Octets, `b""` at the end, None if nothing came for `quiet` seconds."""
    try:
        async with asyncio.timeout(quiet):
            return await reader.read(65536)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""
