"""The image that `replica` runs in: this very Python with the libraries it was linked with, made without a registry."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from bench.macro.dockerd import Dockerd

NAME = "bench/web"
PYTHON = "/python/bin/python3"
SOURCES = ("bench/__init__.py", "bench/macro/__init__.py", "bench/macro/replica.py", "bench/macro/websockets.py")
LEFT_OUT = frozenset(
    ("__pycache__", "site-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo", "pydoc_data")
)


def make(engine: Dockerd, folder: Path, tags: tuple[str, ...]) -> None:
    """The image under each of `tags`: one and the same, told apart by the environment of its containers."""
    archive = folder / "image.tar"
    archive.write_bytes(root())
    first, *more = (f"{NAME}:{tag}" for tag in tags)
    command = f'CMD ["{PYTHON}", "-S", "-m", "bench.macro.replica"]'
    engine.call("import", "--change", command, "--change", "ENV PYTHONPATH=/app", str(archive), first)
    for name in more:
        engine.call("tag", first, name)
    archive.unlink()


def root() -> bytes:
    """A root file system, as a tar archive."""
    buffer, here = io.BytesIO(), Path(__file__).resolve().parents[2]
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder, mode in (("etc", 0o755), ("tmp", 0o1777)):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, mode
            tar.addfile(member)
        executable = Path(sys.executable).resolve()
        tar.add(executable, PYTHON.removeprefix("/"))
        stdlib = Path(sysconfig.get_path("stdlib"))
        for library in sorted(_libraries(executable, *stdlib.glob("lib-dynload/*.so"))):
            tar.add(Path(library).resolve(), library.removeprefix("/"))
        tar.add(stdlib, f"python/lib/{stdlib.name}", filter=_wanted)
        for source in SOURCES:
            tar.add(here / source, f"app/{source}")
    return buffer.getvalue()


def _libraries(*programs: Path) -> set[str]:
    """What they are linked with, the C library's loader too."""
    listing = subprocess.run(
        ["ldd", *map(str, programs)], check=True, capture_output=True, text=True, timeout=20
    ).stdout
    return set(re.findall(r"(/\S+) \(0x", listing))


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = Path(member.name).name
    return None if name in LEFT_OUT or name.startswith("config-") else member
