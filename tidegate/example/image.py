"""The demo's image: a root file system of the host's static busybox and `service.sh`, as a tar to import. No registry."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from importlib import resources
from pathlib import Path

from tidegate.errors import EngineError, Problem

NAME = "tidegate-demo:1"
COMMAND = "tidegate-demo-service"
_ELF_INTERPRETER = b"/lib64/ld-linux"


def filesystem() -> bytes:
    """The tar. Raises EngineError where this host has no static busybox."""
    binary = _busybox()
    applets = subprocess.run(  # noqa: S603  a program found on the path, with fixed arguments
        [binary, "--list"], capture_output=True, text=True, check=True, timeout=10
    ).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "usr", "usr/bin", "www"):
            _add(tar, folder, tarfile.DIRTYPE, 0o755)
        _add(tar, "tmp", tarfile.DIRTYPE, 0o1777)
        tar.add(binary, "bin/busybox")
        for applet in applets:
            if applet != "busybox":
                # a hard link in a tar carries a mode of its own, for the shared file: it must stay executable
                _add(tar, f"bin/{applet}", tarfile.LNKTYPE, 0o755, "bin/busybox")
        script = resources.files("tidegate.example").joinpath("service.sh").read_bytes()
        member = tarfile.TarInfo(f"usr/bin/{COMMAND}")
        member.size, member.mode = len(script), 0o755
        tar.addfile(member, io.BytesIO(script))
    return buffer.getvalue()


def _busybox() -> Path:
    found = shutil.which("busybox")
    path = Path(found).resolve() if found else None
    if path is not None and _ELF_INTERPRETER not in path.read_bytes()[:4096]:
        return path
    text = "the demo's image is made from a static busybox, and this host has none"
    mend = "apt-get install -y busybox-static, or tidegate demo --engine process"
    raise EngineError(Problem(code="T1713", text=text, mend=mend))


def _add(tar: tarfile.TarFile, name: str, kind: bytes, mode: int, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname = kind, mode, link
    tar.addfile(member)
