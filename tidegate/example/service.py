"""The demo's service as a local process: `python -m tidegate.example.service`. The twin of service.sh.

Settings come from the environment: SERVICE, VERSION, GREETING, PORT; ADDRESS to listen on (default 127.0.0.1); CALLS, a
host name that is asked of Tidegate's DNS (DEMO_DNS_PORT) and called through its router (DEMO_HTTP_PORT) per request.
"""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import struct
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_SECONDS = 3.0


class Service(BaseHTTPRequestHandler):
    """One connection. /healthz says ok, every other path greets."""

    protocol_version = "HTTP/1.1"
    timeout = 60.0
    settings: Mapping[str, str] = os.environ

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/healthz":
            self._answer(200, "ok")
            return
        self._answer(*greeting(self.settings))

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's signature
        """Requests are the router's to log."""

    def _answer(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("X-Demo-Service", title(self.settings))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def title(settings: Mapping[str, str]) -> str:
    """`hello v1`, or `api` where there is no version."""
    return f"{settings.get('SERVICE', 'demo')} {settings.get('VERSION', '')}".strip()


def greeting(settings: Mapping[str, str]) -> tuple[int, str]:
    """Status and text of an answer; 502 when the service that must be called cannot be."""
    hello = settings.get("GREETING", "Hello")
    called = settings.get("CALLS", "")
    if not called:
        return 200, f"{hello}. This is {title(settings)} on {settings.get('HOSTNAME', socket.gethostname())}."
    try:
        return 200, f"{hello}: {call(called, settings)}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 502, f"{hello}: {called} could not be called ({error})"


def call(host: str, settings: Mapping[str, str]) -> str:
    """The body `host` answers with, its address asked of Tidegate's DNS and its port that of the router."""
    address = resolve(host, ("127.0.0.1", int(settings["DEMO_DNS_PORT"])))
    connection = http.client.HTTPConnection(address, int(settings["DEMO_HTTP_PORT"]), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/", headers={"Host": host})
        response = connection.getresponse()
        body = response.read(65536).decode(errors="replace").strip()
    finally:
        connection.close()
    if response.status != 200:
        raise ValueError(f"{response.status} {body[:80]}")
    return body


def resolve(host: str, server: tuple[str, int]) -> str:
    """The first A record of `host` as `server` answers it over UDP. Raises OSError or ValueError."""
    number = secrets.randbelow(65536)
    name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
    question = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(TIMEOUT_SECONDS)
        asker.connect(server)
        asker.send(question)
        answer = asker.recv(4096)
    if len(answer) < len(question) or struct.unpack("!H", answer[:2])[0] != number:
        raise ValueError("that is not an answer to our question")
    return first_address(answer, len(question), host)


def first_address(answer: bytes, offset: int, host: str) -> str:
    """The first A record after the question. Raises ValueError where there is none."""
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        offset = _after_name(answer, offset)
        kind, _class, _ttl, length = struct.unpack("!HHIH", answer[offset : offset + 10])
        offset += 10
        if kind == 1 and length == 4:
            return socket.inet_ntoa(answer[offset : offset + 4])
        offset += length
    raise ValueError(f"{host} has no address (rcode {answer[3] & 15})")


def _after_name(answer: bytes, offset: int) -> int:
    while answer[offset]:
        if answer[offset] >= 0xC0:
            return offset + 2
        offset += 1 + answer[offset]
    return offset + 1


def main() -> None:
    """Serve until SIGTERM; the request in hand is finished."""
    address = (os.environ.get("ADDRESS", "127.0.0.1"), int(os.environ.get("PORT", "7070")))
    server = ThreadingHTTPServer(address, Service)
    server.daemon_threads = True  # a kept connection must not keep us from ending
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, name="shutdown").start())
    server.serve_forever(poll_interval=0.2)
    server.server_close()


if __name__ == "__main__":
    main()
