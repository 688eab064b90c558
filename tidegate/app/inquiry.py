"""A question to the control of another node, by the way that connections to its containers take: its router's peer listener.

We show that we belong to the cluster (`router.passport`), are passed on to the desk there, say one line and read until the end.
"""

from __future__ import annotations

import asyncio

from tidegate.model import Address
from tidegate.router.passport import MAX_HEAD_BYTES, Asking, written

CONNECT_SECONDS = 2.0
SECONDS = 8.0  # for all of it; who is asked may need five to read a container
MAX_ANSWER = 8 << 20  # some ten thousand containers
_END = b"\r\n\r\n"


async def inquire(peer: Address, asking: Asking, secret: bytes, question: bytes) -> bytes | str:
    """The answer, or in words why there is none. `question` has no line ends."""
    try:
        async with asyncio.timeout(SECONDS):
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(peer.host, peer.port, limit=MAX_HEAD_BYTES)
            try:
                return await _exchange(reader, writer, written(asking, secret), question)
            finally:
                writer.close()
    except TimeoutError:
        return f"{peer} does not answer in time"
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        return f"{peer}: {error}"


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes, question: bytes
) -> bytes | str:
    writer.write(head)
    said = await reader.readuntil(_END)
    if not said.startswith(b"HTTP/1.1 200"):
        status = said.partition(b"\r\n")[0].decode("latin-1")
        return f"it refuses: {status}"
    writer.write(question + b"\n")
    await writer.drain()
    answer = bytearray()
    while piece := await reader.read(1 << 16):
        answer += piece
        if len(answer) > MAX_ANSWER:
            return f"an answer of more than {MAX_ANSWER} bytes"
    return bytes(answer) or "it closed without an answer"
