from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
A_SKIP = "import pytest\ndef test_left_out():\n    pytest.skip('no engine here')\n"


def run(tmp_path, allow):
    (tmp_path / "test_skip.py").write_text(A_SKIP)
    command = [sys.executable, "-m", "pytest", "-p", "tests.support.noskip", "-rs", str(tmp_path)]
    environment = os.environ | {"TIDEGATE_ALLOW_SKIP": allow, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_skip_fails_the_run_where_none_is_allowed(tmp_path):
    result = run(tmp_path, "0")
    assert result.returncode == 1
    assert "1 skipped, and TIDEGATE_ALLOW_SKIP=0 allows none" in result.stdout


def test_a_skip_is_reported_with_its_reason_elsewhere(tmp_path):
    result = run(tmp_path, "1")
    assert result.returncode == 0
    assert "no engine here" in result.stdout
