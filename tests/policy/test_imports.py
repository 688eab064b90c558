from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.tree import ROOT, clean, tool

# What only the control side may load: a worker without them is 20 MB smaller and starts 300 ms sooner.
CONTROL_ONLY = ("pydantic", "aiohttp", "rich", "click", "prometheus_client", "docker")


def loaded_after(module):
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_imports_go_down_only_and_cores_stay_sans_io():
    clean(tool("lint-imports"))


def test_a_worker_loads_nothing_of_the_control_side():
    assert not loaded_after("tidegate.app.worker").intersection(CONTROL_ONLY)


def test_the_command_line_starts_without_the_heavy_packages():
    assert not loaded_after("tidegate.cli.main").intersection({"pydantic", "aiohttp", "rich", "uvloop", "asyncio"})


@pytest.mark.parametrize("module", ["tidegate", "tidegate.errors", "tidegate.model", "tidegate.routing"])
def test_values_load_without_the_loop(module):
    assert "asyncio" not in loaded_after(module)
