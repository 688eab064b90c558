"""A question to the control of another node, by the way that connections to its containers take: its router's peer listener.

We show that we belong to the cluster (`router.passport`), are passed on to the desk there, say one line and read until the end.
Whom the router does not pass on gets a `NotPassed` with its words. What the router says of its clock is compared with ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tidegate.model import Address
from tidegate.router.passport import Asking, time_of, written
from tidegate.router.through import NotPassed

CONNECT_SECONDS = 2.0
SECONDS = 8.0  # for all of it; who is asked may need five to read a container
MAX_LINE = 1 << 20  # of what is read line by line
MAX_ANSWER = 8 << 20  # some ten thousand containers
_END = b"\r\n\r\n"

Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Heard = Callable[
    [float, float], None
]  # how far the other clock is ahead of ours, and within how many seconds that is sure


async def inquire(peer: Address, asking: Asking, secret: bytes, question: bytes, heard: Heard) -> bytes | str:
    """The answer, or in words why there is none. `question` has no line ends."""
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await reach(peer, asking, secret, heard)
            try:
                return await _exchange(reader, writer, question)
            finally:
                writer.close()
    except TimeoutError:
        return f"{peer} does not answer in time"
    except NotPassed as error:
        return str(error)
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        return f"{peer}: {error}"


async def reach(peer: Address, asking: Asking, secret: bytes, heard: Heard) -> Way:
    """A connection to what is asked for. Raises TimeoutError, NotPassed, OSError, EOFError, LimitOverrunError."""
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(peer.host, peer.port, limit=MAX_LINE)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            asked_at = time.time()
            writer.write(written(asking, secret))
            answer = await reader.readuntil(_END)
            _compare(answer, asked_at, time.time(), heard)
            _passed(answer)
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _compare(answer: bytes, asked_at: float, answered_at: float, heard: Heard) -> None:
    """By the middle between question and answer; a clock of ours that was set meanwhile says nothing."""
    theirs = time_of(answer)
    if theirs is not None and 0.0 <= answered_at - asked_at <= CONNECT_SECONDS:
        heard(theirs - (asked_at + answered_at) / 2, (answered_at - asked_at) / 2)


def _passed(said: bytes) -> None:
    if not said.startswith(b"HTTP/1.1 200"):
        status = said.partition(b"\r\n")[0].decode("latin-1")
        raise NotPassed(f"it refuses: {status}")


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: bytes) -> bytes | str:
    writer.write(question + b"\n")
    await writer.drain()
    answer = bytearray()
    while piece := await reader.read(1 << 16):
        answer += piece
        if len(answer) > MAX_ANSWER:
            return f"an answer of more than {MAX_ANSWER} bytes"
    return bytes(answer) or "it closed without an answer"
