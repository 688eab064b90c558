from __future__ import annotations

import http.client
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.cli import DEADLINE, ROOT
from tidegate.example.service import first_address, greeting, resolve, title

SETTINGS = {"SERVICE": "hello", "VERSION": "v1", "GREETING": "Hei", "HOSTNAME": "h"}
HEADER = struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0)
QUESTION = b"\x05hello\x09localhost\0" + struct.pack("!HH", 1, 1)
RECORD = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + bytes([127, 0, 0, 1])


@pytest.fixture
def running():
    """The service as the embedded engine would start it; yields the process and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = os.environ | SETTINGS | {"PORT": str(port), "ADDRESS": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, "-m", "tidegate.example.service"], env=environ)
    _wait_open(port)
    yield child, port
    if child.poll() is None:
        child.kill()
    child.wait(DEADLINE)


def test_it_greets_says_who_it_is_and_keeps_the_connection(running):
    connection = http.client.HTTPConnection("127.0.0.1", running[1], timeout=DEADLINE)
    for path, body in (("/any", "Hei. This is hello v1 on h.\n"), ("/healthz", "ok\n")):
        connection.request("GET", path)
        response = connection.getresponse()
        assert (response.status, response.read().decode()) == (200, body)
        assert response.getheader("X-Demo-Service") == "hello v1"
    connection.close()


def test_sigterm_ends_it_in_good_order(running):
    running[0].send_signal(signal.SIGTERM)
    assert running[0].wait(DEADLINE) == 0


def test_a_title_has_a_version_only_where_there_is_one():
    assert title(SETTINGS) == "hello v1"
    assert title({"SERVICE": "api"}) == "api"


def test_a_caller_finds_the_called_by_name_and_goes_through_the_router():
    with DnsServer() as (dns_port, asked), RouterServer() as (router_port, hosts):
        status, text = greeting(
            {
                "GREETING": "The api heard",
                "CALLS": "hello.localhost",
                "DEMO_DNS_PORT": str(dns_port),
                "DEMO_HTTP_PORT": str(router_port),
            }
        )
    assert (status, text) == (200, "The api heard: hi")
    assert asked == [QUESTION]
    assert hosts == ["hello.localhost"]


def test_a_name_nobody_knows_is_a_502_with_the_reason():
    with DnsServer(answers=False) as (dns_port, _):
        status, text = greeting({"CALLS": "hello.localhost", "DEMO_DNS_PORT": str(dns_port), "DEMO_HTTP_PORT": "1"})
    assert status == 502
    assert "hello.localhost has no address (rcode 3)" in text


def test_an_alias_before_the_address_is_passed_over():
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 5, 2) + b"\xc0\x0c"
    header = struct.pack("!HHHHHH", 7, 0x8180, 1, 2, 0, 0)
    assert first_address(header + QUESTION + alias + RECORD, 12 + len(QUESTION), "x") == "127.0.0.1"


def test_an_answer_to_another_question_is_refused():
    with DnsServer(number=lambda number: number ^ 1) as (port, _), pytest.raises(ValueError, match="not an answer"):
        resolve("hello.localhost", ("127.0.0.1", port))


class DnsServer:
    """A name server for one question, on a free port."""

    def __init__(self, *, answers=True, number=lambda number: number):
        self._answers = answers
        self._number = number
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(DEADLINE)
        self._asked = []
        self._thread = threading.Thread(target=self._serve)

    def _serve(self):
        question, asker = self._socket.recvfrom(512)
        self._asked.append(question[12:])
        number = self._number(struct.unpack("!H", question[:2])[0])
        flags, count, tail = (0x8180, 1, RECORD) if self._answers else (0x8183, 0, b"")
        self._socket.sendto(struct.pack("!HHHHHH", number, flags, 1, count, 0, 0) + question[12:] + tail, asker)

    def __enter__(self):
        self._thread.start()
        return self._socket.getsockname()[1], self._asked

    def __exit__(self, *_):
        self._thread.join(DEADLINE)
        self._socket.close()


class RouterServer:
    """A router for one request, on a free port."""

    def __enter__(self):
        hosts = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hosts.append(self.headers["Host"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"hi\n")

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.handle_request)
        self._thread.start()
        return self._server.server_address[1], hosts

    def __exit__(self, *_):
        self._thread.join(DEADLINE)
        self._server.server_close()


def _wait_open(port):
    deadline = threading.Event()
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        deadline.wait(0.05)
    raise AssertionError("the service did not open its port")
