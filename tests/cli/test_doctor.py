from __future__ import annotations

import pytest

from tests.support.cli import on_terminal, piped

QUIET = ("--http", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--no-docker")


def test_a_good_host_is_exit_code_0(tmp_path):
    done = piped("doctor", *QUIET, "--state", str(tmp_path), "--json", cwd=tmp_path)
    assert done.code == 0
    assert done.json["data"]["healthy"]
    assert [finding["check"] for finding in done.json["data"]["findings"]][:2] == ["python", "uvloop"]


def test_something_broken_is_exit_code_1_with_its_mend(tmp_path):
    done = piped("doctor", *QUIET[:6], "--docker", f"{tmp_path}/none.sock", cwd=tmp_path)
    assert done.code == 1
    line = next(line for line in done.out.splitlines() if line.startswith("docker\t"))
    assert line.split("\t")[1] == "broken"
    assert "--no-docker" in line


@pytest.mark.parametrize(("extra", "verdict"), [((), "nothing is in the way"), (("--dns", "192.0.2.1:1"), "1 broken")])
def test_a_terminal_gets_a_verdict(tmp_path, extra, verdict):
    assert verdict in on_terminal("doctor", *QUIET, *extra, "--state", str(tmp_path)).out


def test_wrong_settings_are_told_before_anything_is_looked_at(tmp_path):
    assert piped("doctor", "--workers", "many", cwd=tmp_path).code == 2
