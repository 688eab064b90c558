"""What an image is called: `[host[:port]/]repository[:tag][@digest]`, or an id (pure)."""

from __future__ import annotations

import re

from tidegate.errors import EngineError, Problem
from tidegate.value import Value

_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
_NAME = re.compile(
    r"(?P<repository>[A-Za-z0-9][A-Za-z0-9._-]*(?::[0-9]+(?=/))?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?"
)


class ImageName(Value):
    """`repository` with its registry's host where one is named; `wanted` is the digest, else the tag, else `latest`."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def wanted(self) -> str:
        return self.digest or self.tag or "latest"

    @property
    def registry(self) -> str:
        """The host to ask, `docker.io` where none is named: a first part with a dot or a port, or `localhost`."""
        first, slash, _ = self.repository.partition("/")
        return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"


def familiar(text: str) -> str:
    """The name under which the engine shows an image that is asked for as `text`: without Docker Hub's own host and folder, and with a
    tag or a digest. What is no name, as an id, stays as it is."""
    match = _NAME.fullmatch(text) if not _ID.fullmatch(text) else None
    if match is None:
        return text
    repository = match["repository"].removeprefix("docker.io/").removeprefix("library/")
    return f"{repository}@{match['digest']}" if match["digest"] else f"{repository}:{match['tag'] or 'latest'}"


def read_image_name(text: str) -> ImageName:
    """`text` taken apart; raises EngineError for what is no name of an image, or only an id."""
    match = None if _ID.fullmatch(text) else _NAME.fullmatch(text)
    if match is None:
        raise EngineError(
            Problem(
                code="T1157",
                text=f"{text[:200]!r} is not the name of an image that a registry could have",
                place=text[:200],
                mend="write it like web:1.2, ghcr.io/shop/web:1.2, or with a digest, web@sha256:...",
                kept="nothing was fetched",
            )
        )
    return ImageName(repository=match["repository"], tag=match["tag"] or "", digest=match["digest"] or "")
