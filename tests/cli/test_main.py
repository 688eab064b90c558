from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.cli import DEADLINE, RECORDED, ROOT, FakeAdmin, command, environment, matches_golden, piped
from tidegate.cli import main as module
from tidegate.cli.main import run

HEAVY = {
    "aiohttp",
    "pydantic",
    "rich",
    "yaml",
    "uvloop",
    "asyncio",
    "dnslib",
    "prometheus_client",
    "tidegate.app",
}
LOADED = "import sys; from tidegate.cli.main import run; code = run({!r}); print(*sys.modules, file=sys.stderr)"


def loaded_by(*arguments, **extra):
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(list(arguments))],
        check=True, capture_output=True, text=True, timeout=DEADLINE, env=environment(**extra),
    )  # fmt: skip
    return set(done.stderr.split())


def test_help_loads_no_verb_and_nothing_heavy():
    loaded = loaded_by("--help")
    assert not HEAVY & loaded
    assert {name for name in loaded if name.startswith("tidegate.cli.")} == {
        "tidegate.cli.main",
        "tidegate.cli.session",
        "tidegate.cli.verbs",
    }


@pytest.mark.parametrize(
    "arguments", [["status"], ["ls", "routes"], ["show", "shop/web"], ["shift", "shop/web", "v2=50"], ["version"]]
)
def test_a_verb_loads_nothing_it_does_not_need(arguments):
    with FakeAdmin(RECORDED) as fake:
        assert not HEAVY & loaded_by(*arguments, TIDEGATE_ADMIN=fake.address)


def test_help_shows_the_verbs_in_groups():
    done = piped("--help", COLUMNS="80")
    assert done.code == 0
    assert matches_golden("help", done.out)


def test_no_verb_at_all_is_the_status():
    with FakeAdmin(RECORDED) as fake:
        assert piped(TIDEGATE_ADMIN=fake.address) == piped("status", TIDEGATE_ADMIN=fake.address)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shfit"], "error[T1701] there is no verb shfit\n  fix   did you mean shift?\n"),
        (["xyzzy"], "error[T1701] there is no verb xyzzy\n  fix   tidegate --help lists the verbs\n"),
        (["status", "--jsno"], "error[T1702] tidegate status has no option --jsno\n  fix   did you mean --json?\n"),
        (["--zzz"], "error[T1702] tidegate has no option --zzz\n  fix   tidegate --help lists the options\n"),
        (["show"], "error[T1703] missing argument 'NAME'\n  fix   tidegate show --help shows how it is called\n"),
        (["show", "a", "b"], None),
        (["--timeout", "soon", "status"], None),
        (["--progress", "loud", "status"], None),
        (["ls", "cats"], None),
        (["config", "shw"], None),
        (["config"], None),
    ],
)
def test_wrong_usage_is_exit_code_2_with_a_mend(arguments, said, capsys):
    assert run(arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "error[T17" in streams.err
    assert "fix" in streams.err
    if said:
        assert streams.err == said


def test_wrong_usage_with_json_is_json():
    done = piped("status", "--jsno", "--json")
    assert (done.code, done.err) == (2, "")
    assert done.json["errors"][0]["code"] == "T1702"


def test_an_operator_fault_is_its_exit_code(tmp_path):
    done = piped("status", "--json", TIDEGATE_ADMIN=f"unix:{tmp_path}/none.sock")
    assert done.code == 5
    assert (done.json["schema"], done.json["ok"], done.json["data"]) == ("tidegate.status/1", False, None)


def test_options_count_before_and_after_the_verb():
    with FakeAdmin(RECORDED) as fake:
        before = piped("--json", "--admin", fake.address, "status")
        after = piped("status", "--admin", fake.address, "--json")
    assert before == after
    assert before.json["ok"]


def test_a_reader_that_leaves_is_no_error():
    child = subprocess.Popen(
        command(["config", "show"]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    child.stdout.close()
    assert child.stderr.read() == b""
    assert child.wait(DEADLINE) == 0
    child.stderr.close()


def test_an_interrupt_is_130(monkeypatch, capsys):
    monkeypatch.setattr(module.cli, "main", _interrupted)
    assert run(["status"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_our_own_bug_is_not_dressed_up(monkeypatch):
    monkeypatch.setattr(module.cli, "main", _broken)
    with pytest.raises(ZeroDivisionError):
        run(["status"])


def test_the_module_runs_as_the_command_does():
    assert (ROOT / "tidegate" / "__main__.py").exists()
    assert piped("--version").out.startswith("tidegate ")


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def _broken(*_, **__):
    raise ZeroDivisionError
