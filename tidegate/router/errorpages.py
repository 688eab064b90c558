"""Pages for the router's own errors on all routes: a folder with `404.html`, `503.html` and so on, `error.html` for the rest."""

from __future__ import annotations

import re
from pathlib import Path

from tidegate.errors import ConfigError, Problem, Reason

MAX_BYTES = 65536
_NAME = re.compile(r"([45][0-9]{2}|error)\.(?:html|txt)")


def read_pages(folder: str) -> dict[int, bytes]:
    """Pages by status; empty if no folder is named. Other files are left alone. Raises ConfigError (T1017)."""
    if not folder:
        return {}
    try:
        found = {match[1]: path for path in sorted(Path(folder).iterdir()) if (match := _NAME.fullmatch(path.name))}
        texts = {stem: _read(path) for stem, path in found.items()}
    except OSError as error:
        raise ConfigError(_problem(error.filename or folder, error.strerror or str(error))) from None
    rest = texts.pop("error", None)
    pages = {int(stem): text for stem, text in texts.items()}
    if rest is not None:
        pages |= {reason.status: rest for reason in Reason if reason.status not in pages}
    return pages


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise ConfigError(_problem(str(path), f"it has more than {MAX_BYTES} bytes"))
    return path.read_bytes()


def _problem(place: str, cause: str) -> Problem:
    return Problem(
        code="T1017",
        text="the error pages cannot be read",
        place=place,
        cause=cause,
        mend="make the folder readable, with files such as 503.html or error.html, or leave http.error_pages out",
        kept="nothing was started; on a reload the old pages stay",
    )
