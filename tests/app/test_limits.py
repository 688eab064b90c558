from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from tests.support.cli import ROOT, environment
from tidegate.app.limits import fitted, group_memory, share
from tidegate.config import Config, HttpConfig
from tidegate.errors import ConfigError

MIB = 1 << 20


def test_the_soft_limit_of_descriptors_is_raised_to_the_hard_one():
    code = "import resource as r; from tidegate.app.limits import raised; print(raised(), r.getrlimit(r.RLIMIT_NOFILE))"
    command = ["prlimit", "--nofile=300:700", sys.executable, "-c", code]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=60)
    assert ran.stdout.strip() == "700 (700, 700)"


def test_a_limit_with_which_nothing_could_be_served_is_refused(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 100))
    with pytest.raises(ConfigError) as caught:
        fitted(Config())
    assert [problem.code for problem in caught.value.problems] == ["T1015"]


def test_a_number_of_connections_that_does_not_fit_is_refused_with_what_it_needs(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4096, 4096))
    with pytest.raises(ConfigError) as caught:
        fitted(Config(http=HttpConfig(max_connections=10_000)))
    (problem,) = caught.value.problems
    assert (problem.code, problem.place) == ("T1015", "http.max_connections")
    assert problem.cause.startswith("15721 are needed")
    fitted(Config(http=HttpConfig(max_connections=1_900)))


def test_a_limit_that_the_settings_name_is_kept():
    config = Config(http=HttpConfig(max_memory_bytes=512 * MIB))
    assert fitted(config) == config


def test_workers_share_what_control_leaves_them_of_the_groups_memory():
    assert share(0, 2) == 0
    assert share(1024 * MIB, 1) == int(1024 * MIB * 0.8) - 128 * MIB
    assert share(1024 * MIB, 4) == share(1024 * MIB, 1) // 4
    assert share(128 * MIB, 1) == int(128 * MIB * 0.4)
    assert share(1024 * MIB, 0) == share(1024 * MIB, 1)


@pytest.mark.parametrize(
    ("membership", "files", "found"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "2097152"}, 2097152),
        ("0::/a/b\n", {"a/b/memory.max": "1048576", "a/memory.max": "2097152"}, 1048576),
        ("0::/a/b\n", {"a/b/memory.max": "max"}, 0),
        ("0::/of/the/host\n", {"memory.max": "4194304"}, 4194304),
        ("5:cpu:/\n4:memory:/a\n0::/\n", {"memory/a/memory.limit_in_bytes": "1048576"}, 1048576),
        ("4:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712"}, 0),
        ("", {}, 0),
    ],
)
def test_the_smallest_limit_on_the_way_to_the_root_counts(tmp_path, membership, files, found):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert group_memory(membership, tmp_path) == found
