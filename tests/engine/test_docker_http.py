import asyncio
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess

import pytest
from aiohttp import web

from tidegate.engine.docker import DockerEngine
from tidegate.engine.docker_http import TlsFiles, agree
from tidegate.engine.port import Engine
from tidegate.errors import ConfigError, EngineError, EngineUnreachable, NoSuchThing
from tidegate.tasks import Tasks

URL = "unix:///x"


@pytest.mark.parametrize(
    ("newest", "minimum", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.99", "1.44", "1.52"), ("1.24", "", "1.24"), ("1.52", "1.52", "1.52")],
)
def test_the_newest_version_that_both_know_is_spoken(newest, minimum, spoken):
    assert agree(URL, newest, minimum) == spoken


@pytest.mark.parametrize(("newest", "minimum"), [("1.23", "1.12"), ("1.99", "1.60"), ("", "")])
def test_an_engine_that_shares_no_version_with_us_is_refused(newest, minimum):
    with pytest.raises(EngineError) as caught:
        agree(URL, newest, minimum)
    assert caught.value.problems[0].code == "T1108"


@pytest.mark.parametrize("url", ["", "docker", "unix://", "tcp://", "npipe:////./pipe/docker", "ssh://host"])
def test_what_is_no_engine_url_is_refused_when_it_is_given(url):
    with pytest.raises(ConfigError) as caught:
        DockerEngine(url)
    assert caught.value.problems[0].code == "T1110"


def test_the_docker_engine_is_an_engine():
    engine: Engine = DockerEngine(URL)
    assert engine.name == URL


class FakeEngine:
    """An HTTP server on a Unix socket that answers as one test needs: path without version -> handler."""

    def __init__(self, folder, version=("1.41", "1.12")):
        self.path = f"{folder}/d.sock"
        self.url = f"unix://{self.path}"
        self.asked = []
        self.answers = {"/_ping": lambda _: web.Response(text="OK", headers={"Api-Version": version[0]})}
        self.answers["/version"] = lambda _: web.json_response({"ApiVersion": version[0], "MinAPIVersion": version[1]})
        self._runner = None

    async def start(self):
        self._runner = web.ServerRunner(web.Server(self._handle))
        await self._runner.setup()
        await web.UnixSite(self._runner, self.path).start()

    async def stop(self):
        await self._runner.cleanup()

    async def _handle(self, request):
        self.asked.append(request.raw_path)
        path = request.path
        if path.startswith("/v1"):
            path = "/" + path.split("/", 2)[2]
        handler = self.answers.get(path)
        if handler is None:
            return web.json_response({"message": f"no {path}"}, status=404)
        answer = handler(request)
        return await answer if asyncio.iscoroutine(answer) else answer


@contextlib.asynccontextmanager
async def fake(tmp_path, **more):
    server = FakeEngine(tmp_path, **more)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def client(server, **more):
    engine = DockerEngine(server.url, **more)
    try:
        yield engine
    finally:
        await engine.close()


async def test_the_version_is_asked_once_and_then_spoken(tmp_path):
    async with fake(tmp_path, version=("1.99", "1.44")) as server, client(server) as engine:
        server.answers["/networks"] = lambda _: web.json_response([])
        await engine.networks()
        await engine.networks()
        assert server.asked == ["/version", "/v1.52/networks", "/v1.52/networks"]


async def test_a_pinned_version_is_spoken_unasked(tmp_path):
    async with fake(tmp_path) as server, client(server, api_version="1.30") as engine:
        server.answers["/networks"] = lambda _: web.json_response([])
        await engine.networks()
        assert server.asked == ["/v1.30/networks"]


async def test_a_proxy_that_hides_the_version_tells_it_by_its_ping(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/version"] = lambda _: web.Response(status=403, text="forbidden")
        server.answers["/networks"] = lambda _: web.json_response([])
        await engine.networks()
        assert server.asked[-1] == "/v1.41/networks"


async def test_a_name_cannot_reach_another_path_of_the_engine(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        with pytest.raises(NoSuchThing):
            await engine.inspect("../images/x?all=1#y")
        assert server.asked[-1] == "/v1.41/containers/..%2Fimages%2Fx%3Fall%3D1%23y/json"


async def test_the_engines_own_words_are_in_the_error(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/containers/a/start"] = lambda _: web.json_response({"message": "port taken"}, status=500)
        with pytest.raises(EngineError, match="start a: port taken"):
            await engine.start("a")


async def test_an_answer_that_is_no_json_is_named(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/containers/json"] = lambda _: web.Response(text="<html>")
        with pytest.raises(EngineError) as caught:
            await engine.list()
        assert caught.value.problems[0].code == "T1109"


async def test_an_engine_that_hangs_is_out_of_reach_when_the_deadline_is_over(tmp_path, monkeypatch):
    release = asyncio.Event()

    async def hang(_):
        await release.wait()
        return web.Response()

    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/containers/a/stop"] = hang
        monkeypatch.setattr("tidegate.engine.docker.STOP_MARGIN_SECONDS", 0.1)
        with pytest.raises(EngineUnreachable) as caught:
            await engine.stop("a", timeout_seconds=0)
        release.set()
        assert caught.value.problems[0].code == "T1104"


async def test_the_event_stream_is_open_before_its_first_event(tmp_path):
    release = asyncio.Event()

    async def events(request):
        response = web.StreamResponse()
        await response.prepare(request)
        await release.wait()
        value = {"Type": "container", "Action": "die", "Actor": {"ID": "ü1"}, "timeNano": 5}
        encoded = json.dumps(value, ensure_ascii=False).encode()
        await response.write(encoded[:40])
        await response.write(encoded[40:] + encoded)
        return response

    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/events"] = events
        stream = engine.events(7)
        async with asyncio.timeout(10):
            opened = await anext(stream)
            release.set()
            first, second = await anext(stream), await anext(stream)
            with pytest.raises(EngineUnreachable) as caught:
                await anext(stream)
    assert (opened.action, opened.time_ns) == ("stream-open", 7)
    assert first == second
    assert (first.id, first.time_ns) == ("ü1", 5)
    assert caught.value.problems[0].code == "T1107"
    assert "since=0.000000007" in server.asked[-1]


async def test_an_event_that_is_no_json_ends_the_stream(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/events"] = lambda _: web.Response(text="<html>")
        stream = engine.events(0)
        await anext(stream)
        with pytest.raises(EngineUnreachable, match="not understood"):
            await anext(stream)


async def test_logs_of_a_terminal_are_plain_lines(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/containers/a/json"] = lambda _: web.json_response({"Id": "a", "Config": {"Tty": True}})
        server.answers["/containers/a/logs"] = lambda _: web.Response(text="2026-11-23T00:17:53Z one\r\ntwo")
        assert [(line.text, line.stream) async for line in engine.logs("a")] == [("one", "stdout"), ("two", "stdout")]


async def test_an_import_that_fails_while_it_is_told_is_an_error(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/images/create"] = lambda _: web.Response(text='{"status":"x"}\r\n{"error":"no space left"}')
        with pytest.raises(EngineError, match="no space left"):
            await engine.import_image("a:1", b"")


async def test_the_version_is_agreed_on_anew_after_the_engine_was_away(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/networks"] = lambda _: web.json_response([])
        await engine.networks()
        await server.stop()
        with pytest.raises(EngineUnreachable):
            await engine.networks()
    async with fake(tmp_path, version=("1.44", "1.44")) as server, client(server) as engine:
        server.answers["/networks"] = lambda _: web.json_response([])
        await engine.networks()
        assert server.asked == ["/version", "/v1.44/networks"]


# ------------------------------------------------------------------------------------------------------ out of reach


async def problem_of(url, **more):
    engine = DockerEngine(url, **more)
    try:
        with pytest.raises(EngineUnreachable) as caught:
            await engine.ping()
    finally:
        await engine.close()
    return caught.value.problems[0]


async def test_a_missing_socket_is_named(tmp_path):
    problem = await problem_of(f"unix://{tmp_path}/no.sock")
    assert (problem.code, problem.place) == ("T1101", f"{tmp_path}/no.sock")
    assert "does not exist" in problem.text


async def test_a_socket_nobody_listens_on_may_have_been_replaced(tmp_path):
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    problem = await problem_of(f"unix://{path}")
    assert problem.code == "T1103"
    assert "mount the socket's directory" in problem.mend


async def test_a_plain_file_is_no_socket(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    problem = await problem_of(f"unix://{path}")
    assert "no socket" in problem.cause


async def test_a_port_nobody_listens_on_is_told_with_its_url():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{reserved.getsockname()[1]}"
        problem = await problem_of(url)
    assert (problem.code, problem.place) == ("T1105", url)


def test_a_socket_we_may_not_open_is_told_with_its_rights_and_ours(tmp_path):
    """In a process of its own that is not root: root may open every socket."""
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600 if os.geteuid() == 0 else 0)
        facts = path.stat()
        sentence = _ask_as_nobody(path)
    assert "error[T1102]" in sentence
    assert str(path) in sentence
    assert f"mode {facts.st_mode & 0o777:04o}, owner uid {facts.st_uid} gid {facts.st_gid}" in sentence
    assert f"we are uid {65534 if os.geteuid() == 0 else os.geteuid()}" in sentence


def _ask_as_nobody(path):
    """What `socket_problem` says of the error that connecting gives to nobody."""
    for folder in path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o011)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        from tidegate.engine.docker_faults import socket_problem  # noqa: PLC0415  only in the child

        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            socket.socket(socket.AF_UNIX).connect(str(path))
        except OSError as error:
            os.write(write, str(socket_problem(str(path), error)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        sentence = pipe.read()
    os.waitpid(child, 0)
    return sentence


# --------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1 that is CA, server and client in one."""
    folder = tmp_path_factory.mktemp("tls")
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl; mend: apt-get install -y openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    return TlsFiles.in_folder(str(folder))


async def test_an_engine_behind_tls_is_reached_with_our_certificate(certificates):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.ca)
    context.load_cert_chain(certificates.cert, certificates.key)
    context.verify_mode = ssl.CERT_REQUIRED
    runner = web.ServerRunner(web.Server(_always_ok))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    url = f"tcp://127.0.0.1:{runner.addresses[0][1]}"
    engine = DockerEngine(url, tls=certificates)
    try:
        await engine.ping()
        assert (await problem_of(url, tls=TlsFiles(ca=certificates.ca))).code in ("T1105", "T1106")
    finally:
        await engine.close()
        await runner.cleanup()


async def test_tls_files_that_are_missing_are_named(tmp_path):
    engine = DockerEngine("tcp://127.0.0.1:1", tls=TlsFiles.in_folder(str(tmp_path)))
    with pytest.raises(ConfigError) as caught:
        await engine.ping()
    assert caught.value.problems[0].code == "T1111"
    assert "ca.pem" in caught.value.problems[0].place


async def _always_ok(_request):
    return web.Response(text="OK")


async def test_many_calls_at_once_share_the_connections(tmp_path):
    async with fake(tmp_path) as server, client(server) as engine:
        server.answers["/networks"] = lambda _: web.json_response([])
        async with Tasks("test") as tasks:
            for number in range(100):
                tasks.spawn(str(number), engine.networks())
        assert len([path for path in server.asked if path.endswith("/networks")]) == 100
