"""The `tls:` section of a static file, with the files that it names: read as a worker reads them."""

from __future__ import annotations

import time

from tidegate.config import TlsConfig
from tidegate.errors import Problem
from tidegate.tls.shelf import Shelf
from tidegate.yamlfile import Document

_ELSEWHERE = "T1907"  # the default certificate may lie in a folder of --certs, of which a file says nothing


def tls_problems(document: Document, path: str) -> tuple[Problem, ...]:
    """What is wrong with the section, its certificates and their keys."""
    if not isinstance(document.data, dict) or "tls" not in document.data:
        return ()
    shelf = Shelf(TlsConfig(), (path,))
    shelf.look(time.time())
    return tuple(problem for problem in shelf.view.problems if problem.code != _ELSEWHERE)
