"""Four resolvers in one image: glibc's, musl's, c-ares (by pycares) and busybox's own, each told by what it prints.

The image is the tests' Python one with `apps/resolve.c99` in it, built once with each C library. Its tag tells what it was
made from, so an engine that stays up never runs an old one.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import sysconfig
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.containers import PYTHON_PATH, libraries, python_tar
from tidegate.engine.docker import DockerEngine

CLIENTS = ("glibc", "musl", "c-ares", "busybox")
_APPS = Path(__file__).parent / "apps"
_SOURCES = (_APPS / "resolve.c99", _APPS / "resolve_cares.py", Path(__file__))
_COMPILERS = {"glibc": ("gcc",), "musl": ("musl-gcc", "-static")}
_ADDRESS = re.compile(r"^Address(?: \d+)?: (\S+)$", re.MULTILINE)
_POINTER = re.compile(r"name = (\S+)")


@dataclass(frozen=True)
class Said:
    """What a client made of a name: `code` is ok, absent, or why it failed; `seconds` as the client saw them."""

    code: str
    found: frozenset[str]
    milliseconds: float


async def resolvers_image(url):
    """The image's name, imported into the engine at `url` if it is not there yet."""
    tag = f"tidegate-test/resolvers:{hashlib.sha256(b''.join(path.read_bytes() for path in _SOURCES)).hexdigest()[:12]}"
    engine = DockerEngine(url)
    try:
        if not await engine.has_image(tag):
            await engine.import_image(tag, _tar())
    finally:
        await engine.close()
    return tag


def command(client, verb, *arguments):
    """What to run in the container. Busybox's nslookup looks up and reverses in one way."""
    if client == "busybox":
        return ("nslookup", *arguments)
    program = (PYTHON_PATH, "/resolve_cares.py") if client == "c-ares" else (f"/resolve-{client}",)
    return (*program, verb, *arguments)


def said(client, output):
    """What a client printed for one name."""
    return _nslookup(output) if client == "busybox" else _line(output)


def _line(output):
    _, code, milliseconds, *found = output.split()
    return Said(code, frozenset(found[0].split(",")) if found else frozenset(), float(milliseconds))


def _nslookup(output):
    """The first address is the server's; what is found comes behind an empty line."""
    answer = output.partition("\n\n")[2]
    found = frozenset([*_ADDRESS.findall(answer), *_POINTER.findall(answer)])
    if "timed out" in output or "SERVFAIL" in output or "REFUSED" in output:
        return Said("again", found, 0.0)
    return Said("ok" if found else "absent", found, 0.0)


def _tar():
    buffer = io.BytesIO(python_tar())
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=buffer, mode="a") as tar:
        for client, compiler in _COMPILERS.items():
            tar.add(_compiled(client, compiler, Path(folder)), f"resolve-{client}")
        tar.add(_SOURCES[1], "resolve_cares.py")
        packages = Path(sysconfig.get_path("platlib"))
        target = f"python/lib/{Path(sysconfig.get_path('stdlib')).name}/site-packages"
        modules = (*packages.glob("pycares/*.so"), *packages.glob("_cffi_backend*.so"))
        for path in (packages / "pycares", modules[-1]):
            tar.add(path, f"{target}/{path.name}")
        there = set(tar.getnames())  # the engine takes no path twice
        for library in {_libgcc(), *(library for module in modules for library in libraries(module))}:
            if library.removeprefix("/") not in there:
                tar.add(Path(library).resolve(), library.removeprefix("/"))
    return buffer.getvalue()


def _compiled(client, compiler, folder):
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"needs {compiler[0]}; mend: apt-get install -y gcc musl-tools musl-dev")
    program = folder / client
    subprocess.run([*compiler, "-O1", "-Wall", "-o", program, "-x", "c", _SOURCES[0]], check=True, timeout=60)
    return program


def _libgcc():
    """What glibc loads by itself when a thread ends, c-ares' event thread for one."""
    asked = ["gcc", "-print-file-name=libgcc_s.so.1"]
    found = Path(subprocess.run(asked, check=True, capture_output=True, text=True, timeout=10).stdout.strip()).resolve()
    return f"/lib/{found.parent.name}/{found.name}"
