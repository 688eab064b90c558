"""Real HTTP clients, each asking a list of things one after the other, on kept connections where it can.

An asker is `async def(where, host, asks, folder) -> list[Reply]`; `where` is (address, port) of the router.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import re
from typing import NamedTuple

import aiohttp
import httpx
import requests
import urllib3

from tests.support.apps import contract
from tests.support.servers import APPS

DEADLINE = 15.0
PIECE = 10_000


class Ask(NamedTuple):
    """`size` is that of the body, None for no body."""

    method: str
    path: str
    size: int | None = None
    chunked: bool = False


class Reply(NamedTuple):
    """The body as its size and digest."""

    status: int
    size: int
    digest: str


def reply(status, body):
    return Reply(int(status), len(body), hashlib.sha256(body).hexdigest())


def pieces(size):
    """The body cut into odd pieces."""
    whole = contract.content(size)
    return (whole[at : at + PIECE] for at in range(0, size, PIECE))


def _body(ask):
    if ask.size is None:
        return None
    return pieces(ask.size) if ask.chunked else contract.content(ask.size)


# --- programs


async def program(*command, given=b"", codes=(0,)):
    """What a program printed; it must end with one of these codes."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate(given)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode in codes, f"{command[0]} ended with {process.returncode}: {err.decode()[-1000:]}"
    return out, err


def _curl(version):
    async def asker(where, host, asks, folder):
        command = ["curl", *version]
        for number, ask in enumerate(asks):
            command += ["--next"] if number else []
            command += [*version, "-sS", "-o", folder / f"out{number}", "-w", "%{http_code}\n", "-m", DEADLINE]
            command += ["--resolve", f"{host}:{where[1]}:{where[0]}", *_curl_body(ask, folder / f"in{number}")]
            command.append(f"http://{host}:{where[1]}{ask.path}")
        out, _ = await program(*command)
        return [reply(status, _read(folder / f"out{number}")) for number, status in enumerate(out.split())]

    return asker


def _curl_body(ask, file):
    if ask.method == "HEAD":
        return ["-I"]
    if ask.size is None:
        return ["-X", ask.method]
    file.write_bytes(contract.content(ask.size))
    chunked = ["-H", "Transfer-Encoding: chunked"] if ask.chunked else []
    return [*chunked, *(["-T", file] if ask.method == "PUT" else ["--data-binary", f"@{file}"])]


def _read(file):
    """What curl wrote; with `-I` that is the head, and without a body it writes no file."""
    data = file.read_bytes() if file.exists() else b""
    return b"" if data.startswith(b"HTTP/1.") else data


async def wget(where, host, asks, folder):
    """One process for each: wget keeps a connection only for what its command line names."""
    return [await _wget(where, host, ask, folder) for ask in asks]


async def _wget(where, host, ask, folder):
    out, sent = folder / "out", folder / "in"
    out.unlink(missing_ok=True)
    body = []
    if ask.size is not None:
        sent.write_bytes(contract.content(ask.size))
        body = [f"--body-file={sent}"]
    options = ["--server-response", "--tries=1", f"--timeout={DEADLINE:g}", f"--header=Host: {host}"]
    url = f"http://{where[0]}:{where[1]}{ask.path}"
    # 8: the answer is none of 2xx; with `--content-on-error` wget 1.21 would wait for the body of a 304
    _, err = await program("wget", "-O", out, f"--method={ask.method}", *body, *options, url, codes=(0, 8))
    return reply(re.findall(rb"^  HTTP/1\.[01] (\d+)", err, re.MULTILINE)[-1], _read(out))


def _node(how):
    async def asker(where, host, asks, folder):
        plan = json.dumps([ask._asdict() for ask in asks]).encode()
        out, _ = await program("node", APPS / "asks.js", how, where[1], host, given=plan)
        return [Reply(**each) for each in json.loads(out)]

    return asker


# --- Python libraries


def _threaded(ask_all):
    async def asker(where, host, asks, folder):
        return await asyncio.to_thread(ask_all, f"http://{where[0]}:{where[1]}", {"Host": host}, asks)

    return asker


def _requests(base, headers, asks):
    with requests.Session() as session:
        answers = [
            session.request(ask.method, base + ask.path, headers=headers, data=_body(ask), timeout=DEADLINE)
            for ask in asks
        ]
    return [reply(each.status_code, each.content) for each in answers]


def _httpx(base, headers, asks):
    with httpx.Client(timeout=DEADLINE) as client:
        answers = [client.request(ask.method, base + ask.path, headers=headers, content=_body(ask)) for ask in asks]
    return [reply(each.status_code, each.content) for each in answers]


def _urllib3(base, headers, asks):
    with urllib3.PoolManager(retries=False, timeout=DEADLINE) as pool:
        answers = [
            pool.request(ask.method, base + ask.path, headers=headers, body=_body(ask), chunked=ask.chunked)
            for ask in asks
        ]
        return [reply(each.status, each.data) for each in answers]


def _http_client(base, headers, asks):
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=DEADLINE)
    answers = []
    for ask in asks:
        connection.request(
            ask.method,
            ask.path,
            _body(ask),
            headers | ({"Transfer-Encoding": "chunked"} if ask.chunked else {}),
            encode_chunked=ask.chunked,
        )
        with connection.getresponse() as response:
            answers.append(reply(response.status, response.read()))
    connection.close()
    return answers


async def _aiohttp(where, host, asks, folder):
    async def body(ask):
        for piece in pieces(ask.size):
            yield piece

    answers = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(DEADLINE)) as session:
        for ask in asks:
            data = body(ask) if ask.chunked else _body(ask)
            url = f"http://{where[0]}:{where[1]}{ask.path}"
            async with session.request(ask.method, url, headers={"Host": host}, data=data) as response:
                answers.append(reply(response.status, await response.read()))
    return answers


ASKERS = {
    "curl": _curl(["--http1.1"]),
    "curl-1.0": _curl(["--http1.0"]),
    "wget": wget,
    "node-agent": _node("agent"),
    "node-fetch": _node("fetch"),
    "requests": _threaded(_requests),
    "httpx": _threaded(_httpx),
    "urllib3": _threaded(_urllib3),
    "http.client": _threaded(_http_client),
    "aiohttp": _aiohttp,
}
CANNOT_CHUNK = {"curl-1.0", "wget"}
