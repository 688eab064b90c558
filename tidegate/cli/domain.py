"""The zone of service names that a static file asks for (`dns.domain`), which `serve` takes where no setting names one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tidegate import yamlfile


def domain_of(files: Iterable[str]) -> tuple[str, str]:
    """(domain, file:line) of the first file that names one well, else two empty texts. Read once, when `serve` starts.

    A file that cannot be read or is wrong is passed over here: whoever watches it complains, and goes on watching.
    """
    from tidegate.discovery.statics import read_statics  # noqa: PLC0415  most starts have no static file

    for path in files:
        document = yamlfile.load(_text(path), path)
        domain = read_statics(document, "settings").domain
        if domain:
            return domain, document.place(("dns", "domain"))
    return "", ""


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(yamlfile.MAX_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError):
        return ""
