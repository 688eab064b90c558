"""Clusters in virtual time, played by a process of their own."""

import json
import subprocess
import sys

import pytest

from bench.simulation import HERE, _environment, run

SEEDS = "small 1\nsmall 2\nsmall 3\n"


def told(interpreter):
    done = subprocess.run(
        [sys.executable, "-m", "bench.storms"],
        input=SEEDS,
        capture_output=True,
        text=True,
        check=True,
        cwd=HERE.parent,
        env=_environment(interpreter),
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def played():
    return told("")


def test_each_cluster_is_told_of_with_what_was_checked(played):
    assert [(each["size"], each["seed"], each["said"]) for each in played] == [("small", n, "") for n in (1, 2, 3)]
    assert all(sum(each["checks"].values()) > 1000 and each["counts"]["plans"] > 50 for each in played)


def test_values_that_stand_in_for_msgspec_make_the_same_of_each_cluster(played):
    assert told(sys.executable) == played


def test_a_player_that_cannot_begin_ends_the_run(tmp_path):
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    with pytest.raises((RuntimeError, OSError)):
        run(2, 0, 0, 1, str(silent))
