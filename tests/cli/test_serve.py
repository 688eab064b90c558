from __future__ import annotations

import os
import sys
import types

import pytest

import tidegate
from tests.support.cli import piped
from tidegate.cli.main import run
from tidegate.cli.serve import gather
from tidegate.cli.session import Session
from tidegate.model import Address


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    """No settings but those of the test: not of this folder, nor of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TIDEGATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def started(monkeypatch):
    """The configurations that the composition root was given; it ends with 3."""
    configs = []
    app = types.ModuleType("tidegate.app")
    app.run = lambda config: configs.append(config) or 3
    monkeypatch.setitem(sys.modules, "tidegate.app", app)
    monkeypatch.setattr(tidegate, "app", app, raising=False)
    return configs


def test_serve_hands_the_settings_over_and_ends_as_the_program_does(started):
    arguments = ["serve", "--http", "127.0.0.1:0", "--http", "[::1]:0", "--dns", "off", "--no-docker", "--workers", "0"]
    assert run([*arguments, "--file", "a.yaml", "--file", "b.yaml", "--stack", "s.yaml", "--node", "n"]) == 3
    (config,) = started
    assert config.http.listeners == (Address(host="127.0.0.1", port=0), Address(host="::1", port=0))
    assert (config.dns.listeners, config.docker.urls, config.workers) == ((), (), 0)
    assert (config.files, config.stack, config.node.name) == (("a.yaml", "b.yaml"), "s.yaml", "n")


def test_wrong_settings_start_nothing(started, capsys):
    assert run(["serve", "--http", "x:y", "--workers", "many"]) == 2
    assert not started
    err = capsys.readouterr().err
    assert "T1003" in err
    assert "T1002" in err
    assert "2 problems" in err


def test_warnings_are_told_and_do_not_stop_the_start(started, capsys, monkeypatch):
    monkeypatch.setenv("TIDEGATE_DSN", "x")
    assert run(["serve", "--no-docker"]) == 3
    assert "T1011" in capsys.readouterr().err


def test_options_before_the_verb_count_for_serve_as_well():
    session = Session()
    session.admin, session.token, session.verbosity = "127.0.0.1:9901", "t", 1
    config = gather(session, None, True, {}).config
    assert config.admin.listeners == (Address(host="127.0.0.1", port=9901),)
    assert (config.admin.token, config.log_level) == ("t", "debug")


def test_no_docker_is_named_as_the_origin():
    assert gather(Session(), None, True, {}).origins["docker.urls"] == "--no-docker"


def test_help_names_every_flag():
    text = piped("serve", "--help").out
    flags = "--http --https --dns --admin --workers --docker --no-docker --file --state --store --node --zone"
    for flag in (flags + " --upstream-dns --domain --access-log --trusted-proxy --log-level --config --stack").split():
        assert f"{flag} " in text
