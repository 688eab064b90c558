"""What the README and the other pages tell people to type, typed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.support.tree import ROOT, text, tracked
from tidegate.discovery.labels import check_labels

BLOCK = re.compile(r"^```(?:sh|bash|shell)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VENV = sys.prefix


def lines():
    """Every command line in a shell block of a page, continuation lines joined, comments cut."""
    for path in (path for path in tracked() if path.suffix == ".md"):
        for block in BLOCK.findall(text(path)):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words:
                    yield words


def verbs():
    """The words after `tidegate` that are verbs."""
    return sorted({words[1] for words in lines() if words[0] == "tidegate" and len(words) > 1 and words[1][0] != "-"})


def labels():
    """Labels given to `docker run -l` and `--label`."""
    for words in lines():
        if words[:2] == ["docker", "run"]:
            yield from (words[i + 1] for i, word in enumerate(words) if word in {"-l", "--label"})


def run(command, seconds):
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=seconds)


@pytest.mark.parametrize("verb", verbs())
def test_a_verb_that_a_page_uses_exists(verb):
    result = run([sys.executable, "-m", "tidegate", verb, "--help"], 30)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("label", sorted(set(labels())))
def test_a_label_that_a_page_shows_is_good(label):
    name, _, value = label.partition("=")
    assert not check_labels({name: value})


def test_make_demo_serves_and_cleans_up_after_itself():
    """The README's first command, with an end; the environment is the one that runs this test."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed; mend: apt-get install -y make")
    command = ["make", "-o", f"{VENV}/.ready", f"VENV={VENV}", "demo", "ARGS=--seconds 4 --engine process"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEGATE_", "DOCKER_"))}
    result = subprocess.run(command, check=False, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=90)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    assert "curl " in output
    assert "dig " in output


def test_make_knows_how_to_make_what_its_targets_need():
    done = subprocess.run(
        ["make", "-n", "demo", "test"], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
