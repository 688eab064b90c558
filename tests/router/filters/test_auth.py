from __future__ import annotations

import hashlib
from base64 import b64encode

import bcrypt
import pytest

from tests.support.asks import ask
from tidegate.errors import Reason
from tidegate.policy import BasicAuth, ForwardAuth
from tidegate.router.filters.answer import AskAuthority, Reply, VerifyPassword
from tidegate.router.filters.auth import BasicAuthStep, ForwardAuthStep

SLOW = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
FAST = "{SHA256}" + hashlib.sha256(b"pass").hexdigest()


def basic(user, password):
    return "Authorization: Basic " + b64encode(f"{user}:{password}".encode()).decode()


def step():
    return BasicAuthStep(BasicAuth(users=(("ali", SLOW), ("bo", FAST)), realm="here"), b"secret")


@pytest.mark.parametrize(
    "line",
    [
        "X: 1",
        "Authorization: Bearer abc",
        "Authorization: Basic",
        "Authorization: Basic !!!",
        "Authorization: Basic " + b64encode(b"nocolon").decode(),
        "Authorization: Basic " + b64encode(b":empty").decode(),
        "Authorization: Basic " + b64encode(b"a\r\nX: y:p").decode(),
        basic("bo", "wrong"),
    ],
)
def test_without_right_credentials_the_client_is_challenged(line):
    answer = step().on_request(ask("/", line))
    assert (answer.status, answer.reason) == (401, Reason.UNAUTHORIZED)
    assert answer.lines == b'WWW-Authenticate: Basic realm="here", charset="UTF-8"\r\n'


def test_a_fast_digest_is_compared_at_once():
    asked = ask("/", basic("bo", "pass"), "X-Remote-User: root")
    assert step().on_request(asked) is None
    assert asked.head.fields == b"Host: a.test\r\nX-Remote-User: bo\r\n"


def test_a_slow_digest_is_verified_outside_and_then_remembered():
    guard = step()
    asked = ask("/", basic("ali", "open sesame"))
    question = guard.on_request(asked)
    assert isinstance(question, VerifyPassword)
    assert bcrypt.checkpw(question.password, question.digest)
    assert guard.conclude(asked, True) is None
    assert asked.field(b"x-remote-user") == b"ali"
    assert guard.on_request(ask("/", basic("ali", "open sesame"))) is None
    assert isinstance(guard.on_request(ask("/", basic("ali", "open sesame!"))), VerifyPassword)


def test_a_wrong_password_and_an_unknown_user_cost_the_same_and_are_refused():
    guard = step()
    for line in (basic("ali", "guess"), basic("nobody", "guess")):
        asked = ask("/", line)
        question = guard.on_request(asked)
        assert isinstance(question, VerifyPassword)
        assert not bcrypt.checkpw(question.password, question.digest)
        assert guard.conclude(asked, False).status == 401
    asked = ask("/", basic("nobody", "x"))
    guard.on_request(asked)
    assert guard.conclude(asked, True).status == 401  # whatever the digest of nobody says


def test_what_cannot_be_verified_in_time_is_refused_for_now():
    guard = step()
    asked = ask("/", basic("ali", "open sesame"))
    guard.on_request(asked)
    assert guard.conclude(asked, None).status == 503


ASKING = ForwardAuth(url="http://127.0.0.1:9/", copy_headers=("X-User",))


def test_the_authority_sees_what_is_asked_for():
    asked = ask("/x?y", "Cookie: a=1", "X-User: forged", method="POST")
    question = ForwardAuthStep(ASKING).on_request(asked)
    assert isinstance(question, AskAuthority)
    lines = question.lines.decode().split("\r\n")
    assert "X-Forwarded-Method: POST" in lines
    assert "X-Forwarded-Uri: /x?y" in lines
    assert "X-Forwarded-Host: a.test" in lines
    assert "X-Forwarded-For: 192.0.2.1" in lines
    assert "Cookie: a=1" in lines
    assert not any("forged" in line for line in lines)


def test_a_yes_lets_pass_with_the_fields_it_is_asked_for():
    asked = ask("/")
    reply = Reply(status=204, headers=(("X-User", "ali"), ("X-Other", "1")))
    assert ForwardAuthStep(ASKING).conclude(asked, reply) is None
    assert asked.head.fields == b"Host: a.test\r\nX-User: ali\r\n"


def test_a_no_is_the_clients_answer():
    reply = Reply(status=302, headers=(("Location", "https://login.test/"), ("Connection", "close")), body=b"go")
    answer = ForwardAuthStep(ASKING).conclude(ask("/"), reply)
    assert (answer.status, answer.lines, answer.body) == (302, b"Location: https://login.test/\r\n", b"go")


def test_silence_refuses():
    assert ForwardAuthStep(ASKING).conclude(ask("/"), None).reason is Reason.AUTHORITY_SILENT
