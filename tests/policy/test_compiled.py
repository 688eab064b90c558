from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.tree import ROOT

SUFFIXES = tuple(importlib.machinery.EXTENSION_SUFFIXES)


def compiled_modules():
    """A module is compiled when a .pxd of the same name stands beside it."""
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "tidegate").rglob("*.pxd")
        if path.with_suffix(".py").exists()
    )


def origin(module):
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


@pytest.mark.parametrize("module", compiled_modules())
def test_the_compiled_run_is_compiled(module):
    path = origin(module)
    if os.environ.get("TIDEGATE_REQUIRE_EXT") == "1":
        assert path.name.endswith(SUFFIXES), f"{module} is loaded from {path}"
    else:
        assert path.name.endswith((".py", *SUFFIXES))


@pytest.mark.parametrize("module", compiled_modules())
def test_a_compiled_module_is_not_older_than_its_source(module):
    path = origin(module)
    source = ROOT / Path(*module.split(".")).with_suffix(".py")
    assert path == source or path.stat().st_mtime >= source.stat().st_mtime, "run `make compile`"


@pytest.fixture
def copy(tmp_path):
    """The package's sources alone, so that building leaves nothing in the tree."""
    leave = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "tidegate", tmp_path / "tree" / "tidegate", ignore=leave)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "tree" / name)
    return tmp_path / "tree"


def wheel(tree, **environment):
    """Build a wheel as an installer would; (exit status, output, names in it)."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "out", "."]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIDEGATE_")}
    result = subprocess.run(
        command, check=False, cwd=tree, env=clean | environment, capture_output=True, text=True, timeout=300
    )
    names = [name for built in tree.glob("out/*.whl") for name in zipfile.ZipFile(built).namelist()]
    return result.returncode, result.stdout + result.stderr, names


def test_without_a_compiler_the_package_is_complete_and_pure(copy):
    status, output, names = wheel(copy, CC="/nonexistent/cc")
    assert status == 0, output
    assert not [name for name in names if name.endswith(SUFFIXES)]
    assert "tidegate/model.py" in names


def test_a_demanded_build_that_fails_is_an_error(copy):
    status, _, names = wheel(copy, CC="/nonexistent/cc", TIDEGATE_REQUIRE_EXT="1")
    assert status != 0
    assert not names


def test_compiling_can_be_switched_off(copy):
    status, output, names = wheel(copy, TIDEGATE_PURE="1", TIDEGATE_REQUIRE_EXT="1")
    assert status == 0, output
    assert not [name for name in names if name.endswith(SUFFIXES)]


def test_the_package_carries_its_types_and_its_c_declarations(copy):
    _, _, names = wheel(copy, TIDEGATE_PURE="1")
    assert "tidegate/py.typed" in names
    assert {f"{module.replace('.', '/')}.pxd" for module in compiled_modules()} <= set(names)
