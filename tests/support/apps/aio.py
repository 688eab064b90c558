"""The contract on aiohttp's own server: `python -m tests.support.apps.aio PORT`; every WebSocket is echoed."""

from __future__ import annotations

import asyncio
import sys

from aiohttp import WSMsgType, web
from multidict import CIMultiDict

from tests.support.apps import contract


async def handle(request):
    what, _, rest = request.path.strip("/").partition("/")
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await websocket(request)
    fields = [[name.lower(), value] for name, value in request.headers.items()]
    known = contract.answer(request.path, fields, request.raw_path.encode())
    if known:
        status, fields, body = known
        return web.Response(status=status, headers=CIMultiDict(fields), body=body)
    if what == "echo":
        body = await request.read()
        framing = "chunked" if request.headers.get("Transfer-Encoding") else "length"
        return web.Response(body=body, headers={"X-Framing": framing, "X-Method": request.method})
    if what == "stream":
        return await stream(request, int(rest))
    if what == "events":
        return await events(request, rest)
    if what == "refuse":
        return web.Response(status=413, body=b"refused")
    raise AssertionError(request.path)


async def stream(request, size):
    response = web.StreamResponse()
    await response.prepare(request)
    for piece in contract.pieces(size):
        await response.write(piece)
    return response


async def events(request, name):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(contract.EVENTS):
        await response.write(contract.event(number))
        await asyncio.to_thread(contract.wait_for_gate, name, number)
    return response


async def websocket(request):
    if request.path == "/refused":
        return web.Response(status=403, body=b"no")
    socket = web.WebSocketResponse(protocols=("b",), max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        if message.type == WSMsgType.TEXT and message.data == "close me":
            await socket.close(code=4001, message=b"as asked")
        elif message.type == WSMsgType.TEXT:
            await socket.send_str(message.data)
        else:
            await socket.send_bytes(message.data)
    return socket


def main(port):
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{rest:.*}", handle)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
