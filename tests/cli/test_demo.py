from __future__ import annotations

import json
import os
import signal
import sys
import threading

import pytest

from tidegate.cli import demo as module
from tidegate.cli import demo_stage, demo_traffic
from tidegate.cli.demo_stage import Ports, Stage
from tidegate.cli.main import run

ROUTER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(int(sys.argv[2]))
        self.send_header("X-Demo-Service", self.headers["Host"].partition(".")[0])
        self.send_header("Content-Length", "0")
        self.end_headers()
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def stages(monkeypatch):
    """Every stage that a demo makes; instead of tidegate serve each starts a router that answers for everybody."""
    made = []

    def make(ports, url):
        made.append(Stage(ports, url))
        return made[-1]

    monkeypatch.setattr(demo_stage, "Stage", make)
    monkeypatch.setattr(demo_stage, "USUAL", {"http": 1, "dns": 1, "admin": 1})
    monkeypatch.setattr(demo_stage, "_is_free", lambda port, **_: port != 1)
    _serve(monkeypatch, "200")
    return made


def _serve(monkeypatch, status):
    arguments = lambda stage: [sys.executable, "-c", ROUTER, str(stage.ports.http), status]  # noqa: E731
    monkeypatch.setattr(Stage, "_arguments", arguments)


def test_the_demo_shows_its_traffic_and_leaves_nothing(stages, capsys):
    assert run(["demo", "--engine", "process", "--seconds", "1"]) == 0
    streams = capsys.readouterr()
    assert "port 1 is taken: http listens on" in streams.err
    assert "curl -H 'Host: hello.localhost'" in streams.out
    assert "\thello.localhost\thello\t" in streams.out
    assert streams.out.endswith("done; nothing is left\n")
    assert not stages[0].folder.exists()


def test_json_is_one_object_at_the_end(stages, capsys):
    assert run(["demo", "--engine", "process", "--seconds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"]["engine"] == "process"
    assert found["data"]["traffic"][0]["errors"] == 0
    assert found["data"]["left_behind"] == []


def test_a_signal_ends_the_demo_in_good_order(stages, monkeypatch):
    seen = threading.Event()
    monkeypatch.setattr(module, "_watch", lambda *_: _signalled(seen, _[3]))
    assert run(["demo", "--engine", "process"]) == 0
    assert seen.is_set()
    assert not stages[0].folder.exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def _signalled(seen, stopping):
    os.kill(os.getpid(), signal.SIGTERM)
    if stopping.wait(10):
        seen.set()


def test_an_example_that_does_not_come_up_is_told_with_the_log(stages, monkeypatch, capsys):
    _serve(monkeypatch, "503")
    monkeypatch.setattr(module, "READY_SECONDS", 0.5)
    assert run(["demo", "--engine", "process"]) == 1
    err = capsys.readouterr().err
    assert "error[T1713] hello.localhost, api.localhost, web.localhost did not answer" in err
    assert "kept  everything started was removed" in err
    assert not stages[0].folder.exists()


def test_a_server_that_ends_is_told_with_its_code(stages, monkeypatch, capsys):
    monkeypatch.setattr(Stage, "_arguments", lambda _: [sys.executable, "-c", "print('no'); raise SystemExit(5)"])
    assert run(["demo", "--engine", "process"]) == 1
    err = capsys.readouterr().err
    assert "tidegate serve ended with code 5" in err
    assert "\n        no\n" in err


def test_a_docker_that_was_asked_for_and_does_not_answer_is_exit_code_5(tmp_path, capsys):
    assert run(["demo", "--docker", f"{tmp_path}/none.sock"]) == 5
    assert run(["demo", "--engine", "docker", "--docker", f"{tmp_path}/none.sock", "--json"]) == 5
    assert "T1712" in capsys.readouterr().out


def test_without_docker_the_embedded_engine_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert module._engine_url("auto", None) == ""
    assert module._engine_url("process", None) == ""


@pytest.mark.parametrize("arguments", [["--http", "x"], ["--docker", "ftp:x"], ["--seconds", "-1"], ["--engine", "vm"]])
def test_wrong_usage_starts_nothing(arguments, stages):
    assert run(["demo", *arguments]) == 2
    assert not stages


def test_traffic_is_for_the_hosts_of_the_example():
    example = demo_stage.EXAMPLE.read_text()
    assert all(f"http://{host}\n" in example for host in demo_traffic.HOSTS)
    assert Ports(http=1, dns=2, admin=3).moved == ()
