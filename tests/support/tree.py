"""The source tree as the policy tests see it."""

from __future__ import annotations

import ast
import functools
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SKIPPED_FOLDERS = {".git", ".venv", "build", "dist", "__pycache__"}


def sources(folder: str = "tidegate") -> list[Path]:
    """Python files below `folder`, relative to the root, sorted."""
    found = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not SKIPPED_FOLDERS.intersection(path.parts))


def tracked() -> list[Path]:
    """Files under version control (in a copy without history: all files), relative to the root."""
    listing = subprocess.run(["git", "ls-files", "-z"], check=False, cwd=ROOT, capture_output=True, timeout=30)
    if listing.returncode == 0 and listing.stdout:
        names = (Path(name) for name in listing.stdout.decode().split("\0") if name)
        return sorted(name for name in names if (ROOT / name).is_file())
    everything = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in everything if not SKIPPED_FOLDERS.intersection(path.parts))


def text(path: Path) -> str:
    return (ROOT / path).read_text("utf-8")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text(path), str(path))


def tool(*command: str, timeout_seconds: float = 300.0) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment in the root; its output is the message of a failing assert."""
    program = Path(sys.executable).with_name(command[0])
    name = str(program) if program.exists() else shutil.which(command[0])
    assert name, f"{command[0]} is not installed"
    return subprocess.run(
        [name, *command[1:]], check=False, cwd=ROOT, capture_output=True, text=True, timeout=timeout_seconds
    )


def clean(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 0, f"\n{result.stdout}{result.stderr}"
