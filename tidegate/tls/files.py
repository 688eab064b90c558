"""Where pairs and authorities lie: the layouts of a folder that people have (docs/tls.md), as names and paths.

`NAME.crt` with `NAME.key`; `NAME.pem` with `NAME.key`, `NAME-key.pem` or its key inside; `NAME/fullchain.pem` with
`NAME/privkey.pem`, as certbot lays them out, also below `live/`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tidegate.tls.certificate import MAX_BYTES
from tidegate.value import Value

MOST = 20_000  # entries of one folder
_CERTBOT = ("fullchain.pem", "privkey.pem")

Signature = tuple[int, ...]


class PairFiles(Value, frozen=True):
    """A pair to read. `key` is empty where the key stands in the chain's file."""

    name: str
    chain: str
    key: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Both files."""
        return (self.chain, self.key) if self.key else (self.chain,)


def pairs_in(folder: str) -> list[PairFiles]:
    """Every pair of a folder, complete or not, by name. Raises OSError."""
    names = _names(folder)
    found = [*_flat(folder, names), *_certbot(folder, names)]
    if "live" in names:
        live = f"{folder}/live"
        found += _certbot(live, _names(live))
    return sorted(found, key=lambda each: each.name)


def authorities_in(folder: str) -> dict[str, str]:
    """Name -> path of every CA file of a folder. Raises OSError."""
    names = _names(folder)
    return {
        stem: f"{folder}/{name}"
        for name in names
        for stem, dot, kind in (name.rpartition("."),)
        if stem and kind in ("crt", "pem") and not stem.endswith("-key")
    }


def signature(path: str) -> Signature:
    """What changes when the file does. Raises OSError."""
    status = os.stat(path)  # noqa: PTH116  one call for all that is needed, links followed
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev, status.st_mode)


def content(path: str) -> bytes:
    """The file, up to what a chain can be. Raises OSError."""
    with Path(path).open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(f"longer than {MAX_BYTES} bytes")
    return data


def _names(folder: str) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for _, entry in zip(range(MOST), entries, strict=False) if not entry.name.startswith(".")}


def _flat(folder: str, names: set[str]) -> Iterator[PairFiles]:
    for name in names:
        stem, _, kind = name.rpartition(".")
        if (
            not stem
            or kind not in ("crt", "pem")
            or stem.endswith("-key")
            or (kind == "pem" and f"{stem}.crt" in names)
        ):
            continue
        beside = next((key for key in (f"{stem}.key", f"{stem}-key.pem") if key in names), "")
        if kind == "crt":
            beside = beside or f"{stem}.key"
        yield PairFiles(name=stem, chain=f"{folder}/{name}", key=f"{folder}/{beside}" if beside else "")


def _certbot(folder: str, names: set[str]) -> Iterator[PairFiles]:
    chain, key = _CERTBOT
    for name in names:
        if Path(folder, name, chain).exists():
            yield PairFiles(name=name, chain=f"{folder}/{name}/{chain}", key=f"{folder}/{name}/{key}")
