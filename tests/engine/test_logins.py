import base64
import json
import os
from pathlib import Path

import pytest

from tidegate.engine import logins
from tidegate.engine.logins import Logins
from tidegate.errors import EngineError

SECRET = "swordfish"


@pytest.fixture
def config(tmp_path):
    """Writes the file, gives who reads it."""

    def write(**file):
        (tmp_path / "config.json").write_text(json.dumps(file))
        return Logins(tmp_path / "config.json")

    return write


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Puts a program `docker-credential-test` on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def write(script):
        program = tmp_path / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return write


async def said(source, registry="r.test"):
    headers = await source.headers(registry)
    return json.loads(base64.urlsafe_b64decode(headers["X-Registry-Auth"])) if headers else None


async def failure(source):
    with pytest.raises(EngineError) as caught:
        await source.headers("r.test")
    assert SECRET not in str(caught.value)
    return caught.value.problems[0]


async def test_a_new_login_counts_from_the_next_fetch_on(config):
    assert await said(config()) is None
    found = await said(config(auths={"r.test": {"username": "ann", "password": SECRET}}))
    assert (found["username"], found["password"], found["serveraddress"]) == ("ann", SECRET, "r.test")


async def test_without_a_file_nobody_is_logged_in_unless_it_was_named(tmp_path):
    assert await said(Logins(None)) is None
    assert await said(Logins(tmp_path / "none")) is None
    problem = await failure(Logins.said(str(tmp_path / "none"), {}))
    assert (problem.code, problem.place) == ("T1161", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("setting", "environ", "path"),
    [
        ("", {"HOME": "/home/a"}, "/home/a/.docker/config.json"),
        ("", {"HOME": "/home/a", "DOCKER_CONFIG": "/etc/docker"}, "/etc/docker/config.json"),
        ("/x.json", {"HOME": "/home/a"}, "/x.json"),
        ("off", {"HOME": "/home/a"}, None),
        ("", {}, None),
    ],
)
def test_logins_are_where_dockers_own_command_keeps_them_unless_said_otherwise(setting, environ, path):
    assert Logins.said(setting, environ)._path == (path and Path(path))


async def test_a_file_that_is_not_understood_is_said_without_its_words(config, tmp_path):
    logins_ = config()
    (tmp_path / "config.json").write_text(SECRET)
    assert (await failure(logins_)).code == "T1161"


async def test_a_helper_is_asked_for_the_registry(config, helper):
    helper(
        f"""read address; printf '{{"ServerURL":"%s","Username":"%s","Secret":"{SECRET}"}}' "$address" "$1-$address" """
    )
    found = await said(config(credHelpers={"r.test": "test"}))
    assert (found["username"], found["password"]) == ("get-r.test", SECRET)


async def test_a_helper_may_know_a_token_or_nothing(config, helper):
    helper(f"""printf '{{"Username":"<token>","Secret":"{SECRET}"}}'""")
    assert (await said(config(credsStore="test")))["identitytoken"] == SECRET
    helper("echo credentials not found in native keychain; exit 1")
    assert await said(config(credsStore="test")) is None


@pytest.mark.parametrize(
    ("script", "cause"), [(f"echo {SECRET}; exit 3", "ended with 3"), (f"echo {SECRET}", "is not understood")]
)
async def test_a_helper_that_fails_is_named_without_its_words(config, helper, script, cause):
    helper(script)
    assert (await failure(config(credsStore="test"))).cause.endswith(cause)


async def test_a_helper_that_says_nothing_is_given_up(config, helper, monkeypatch):
    monkeypatch.setattr(logins, "HELPER_SECONDS", 0.05)
    helper("exec sleep 60")
    assert "said nothing" in (await failure(config(credsStore="test"))).cause


@pytest.mark.parametrize("name", ["none-such", "../x", "a b"])
async def test_a_helper_that_is_not_there_or_no_name_is_said(config, name):
    assert (await failure(config(credsStore=name))).code == "T1161"
