from __future__ import annotations

import socket

import pytest

from tests.support.cli import FakeAdmin
from tidegate.cli.client import DEFAULT, Admin, connect, parse, segment, state_folder
from tidegate.cli.faults import Unreachable, UsageFault, WaitedTooLong
from tidegate.cli.session import Session
from tidegate.errors import Conflict, NoSuchThing, TidegateError


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("unix:/run/t.sock", "/run/t.sock"),
        ("unix:///run/t.sock", "/run/t.sock"),
        ("/run/t.sock", "/run/t.sock"),
        ("9900", ("127.0.0.1", 9900)),
        (":9901", ("127.0.0.1", 9901)),
        ("h.test:1", ("h.test", 1)),
        ("http://h.test:1/", ("h.test", 1)),
        ("http://h.test", ("h.test", 9900)),
        ("[::1]:9900", ("::1", 9900)),
        ("0.0.0.0:9900", ("127.0.0.1", 9900)),
        ("127.0.0.1:1, 10.0.0.1:2", ("127.0.0.1", 1)),
    ],
)
def test_a_place_to_ask_is_read_in_each_form(text, where):
    assert parse(text) == where


@pytest.mark.parametrize("text", ["1.2.3.4.5:9:9", "https://h:1", "h:x", "http://h:70000"])
def test_what_is_no_place_is_a_usage_fault(text):
    with pytest.raises(UsageFault):
        parse(text)


def test_the_nearest_source_says_whom_to_ask(tmp_path):
    session = Session()
    environ = {"TIDEGATE_STATE": str(tmp_path), "TIDEGATE_TOKEN": "t"}
    assert connect(session, environ).where == DEFAULT
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "admin.sock"))
        assert connect(session, environ).where == str(tmp_path / "admin.sock")
        assert connect(session, environ | {"TIDEGATE_ADMIN": "h:1"}).where == ("h", 1)
        session.admin = "/other.sock"
        assert connect(session, environ).name == "unix:/other.sock"


def test_the_state_folder_follows_the_variable():
    assert str(state_folder({"TIDEGATE_STATE": "/s"})) == "/s"


def test_a_segment_hides_its_slash():
    assert segment("shop/web") == "shop%2Fweb"


def test_a_question_carries_query_token_and_body():
    with FakeAdmin({"GET /v1/x": {"a": 1}, "PUT /v1/x": {}}) as fake:
        admin = Admin(parse(fake.address), "secret", 5.0)
        assert admin.get("/v1/x", from_="1.2.3.4", nothing=None, dry_run=True) == {"a": 1}
        assert admin.put("/v1/x", {"b": 2}) == {}
    first, second = fake.asked
    assert first.query == {"from": "1.2.3.4", "dry_run": "true"}
    assert (first.token, second.body) == ("secret", {"b": 2})


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (400, TidegateError, 1),
        (404, NoSuchThing, 4),
        (409, Conflict, 6),
        (503, TidegateError, 5),
        (504, WaitedTooLong, 7),
    ],
)
def test_a_refusal_becomes_its_exit_code_with_the_apis_own_words(status, kind, exit_code):
    body = {"title": "no", "errors": [{"code": "T1500", "text": "because", "mend": "do so"}]}
    with FakeAdmin({"GET /v1/x": (status, body)}) as fake, pytest.raises(kind) as error:
        Admin(parse(fake.address), "", 5.0).get("/v1/x")
    assert error.value.exit_code == exit_code
    assert str(error.value) == "error[T1500] because\n  fix   do so"


def test_a_refusal_without_problems_says_its_detail():
    with FakeAdmin({}) as fake, pytest.raises(NoSuchThing, match="no such resource"):
        Admin(parse(fake.address), "", 5.0).get("/v1/x")


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_or_wrong_token_says_how_to_give_one(status):
    with FakeAdmin({"GET /v1/x": (status, {})}) as fake, pytest.raises(TidegateError, match="TIDEGATE_TOKEN"):
        Admin(parse(fake.address), "", 5.0).get("/v1/x")


def test_nobody_there_is_exit_code_5(tmp_path):
    for where in (str(tmp_path / "none.sock"), ("127.0.0.1", _closed_port())):
        with pytest.raises(Unreachable, match="no running Tidegate answers") as error:
            Admin(where, "", 5.0).get("/v1/status")
        assert error.value.exit_code == 5


def test_a_stranger_at_the_address_is_told_apart():
    with FakeAdmin({"GET /v1/x": "<html>"}) as fake, pytest.raises(Unreachable, match="is not JSON"):
        Admin(parse(fake.address), "", 5.0).get("/v1/x")


def test_silence_ends_with_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(WaitedTooLong) as error:
        Admin(silent.getsockname(), "", 0.05).get("/v1/x")
    assert error.value.exit_code == 7


def test_garbage_instead_of_http_is_no_traceback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        admin = Admin(server.getsockname(), "", 5.0)
        connection = admin.connection(5.0)
        connection.connect()
        peer, _ = server.accept()
        peer.sendall(b"\0\1\2 what\r\n\r\n")
        peer.close()
        with pytest.raises(Unreachable):
            admin._ask(connection, "GET", "/", None, {})
        connection.close()


def test_a_stream_yields_events_and_skips_comments():
    text = ': hello\n\nevent: table\ndata: {"version": 3}\n\ndata: [1,\ndata: 2]\n\n'
    with FakeAdmin({"GET /v1/stream": text}) as fake:
        found = list(Admin(parse(fake.address), "", 5.0).stream("/v1/stream", 3))
    assert found == [("table", {"version": 3}), ("message", [1, 2])]


def _closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
