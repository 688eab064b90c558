"""Images for the tests, made from Debian's static busybox: no registry, no download.

`busybox_tar()` is a root file system with one binary and a link for each of its applets; `ensure_busybox(engine)` imports
it once per engine. The image has no CMD: every test says what it runs.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tidegate.engine.docker import DockerEngine

BUSYBOX = "tidegate-test/busybox"


def busybox_tar() -> bytes:
    """A root file system of busybox and its applets, as a tar archive."""
    binary = shutil.which("busybox")
    if binary is None:
        pytest.skip("needs a static busybox; mend: apt-get install -y busybox-static")
    applets = subprocess.run([binary, "--list"], capture_output=True, text=True, check=True, timeout=10).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("root", 0o700), ("www", 0o755), ("tmp", 0o1777)):
            _add(tar, folder, tarfile.DIRTYPE, mode)
        tar.add(Path(binary).resolve(), "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                # A hard link carries a mode of its own and sets it on the shared inode: it must stay executable.
                _add(tar, f"bin/{applet}", tarfile.LNKTYPE, 0o755, "bin/busybox")
    return buffer.getvalue()


async def ensure_busybox(engine: DockerEngine) -> str:
    """The busybox image on `engine`, imported if it is not there yet; returns its name."""
    if not await engine.has_image(BUSYBOX):
        await engine.import_image(BUSYBOX, busybox_tar())
    return BUSYBOX


def _add(tar: tarfile.TarFile, name: str, kind: bytes, mode: int, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname = kind, mode, link
    tar.addfile(member)
