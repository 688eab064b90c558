"""The contract as an ASGI application, for uvicorn and hypercorn; every WebSocket is echoed."""

from __future__ import annotations

import asyncio

from tests.support.apps import contract


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await websocket(scope, receive, send)
    elif scope["type"] == "http":
        await http(scope, receive, send)
    else:
        await lifespan(receive, send)


async def lifespan(receive, send):
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def http(scope, receive, send):
    async def start(status, *fields):
        raw = [(name.encode(), value.encode()) for name, value in fields]
        await send({"type": "http.response.start", "status": status, "headers": raw})

    async def say(body=b"", more=False):
        await send({"type": "http.response.body", "body": body, "more_body": more})

    path = scope["path"]
    what, _, rest = path.strip("/").partition("/")
    seen = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    known = contract.answer(path, seen, target)
    if known:
        status, fields, body = known
        length = [] if body is None else [("Content-Length", str(len(body)))]
        await start(status, *fields, *length)
        await say(b"" if scope["method"] == "HEAD" else body or b"")
    elif what == "echo":
        body = await whole(receive)
        framing = "chunked" if dict(seen).get("transfer-encoding") else "length"
        length = ("Content-Length", str(len(body)))
        await start(200, length, ("X-Framing", framing), ("X-Method", scope["method"]))
        await say(body)
    elif what == "stream":
        await start(200)
        for piece in contract.pieces(int(rest)):
            await say(piece, more=True)
        await say()
    elif what == "events":
        await start(200, ("Content-Type", "text/event-stream"))
        for number in range(contract.EVENTS):
            await say(contract.event(number), more=True)
            await asyncio.to_thread(contract.wait_for_gate, rest, number)
        await say()
    elif what == "refuse":
        await start(413, ("Content-Length", "7"))
        await say(b"refused")
    else:
        raise AssertionError(path)


async def whole(receive):
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


async def websocket(scope, receive, send):
    await receive()
    wanted = scope["subprotocols"]
    if scope["path"] == "/refused":
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept", "subprotocol": "b" if "b" in wanted else None})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") == "close me":
            await send({"type": "websocket.close", "code": 4001, "reason": "as asked"})
            return
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})
