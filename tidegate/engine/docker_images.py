"""Images of one Docker Engine: found by name, fetched from a registry with what is told meanwhile.

The engine tells of a fetch with status 200 even when it fails: the error is one of the values. There is no deadline for the
whole, which may be gigabytes, but one for silence.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from urllib.parse import quote

import msgspec

from tidegate.engine import docker_faults as faults
from tidegate.engine.docker_http import DockerHttp
from tidegate.engine.docker_inherited import Json
from tidegate.engine.docker_raw import Pascal, decode
from tidegate.engine.docker_streams import JsonSplitter
from tidegate.engine.image_name import ImageName, read_image_name
from tidegate.engine.logins import Logins
from tidegate.engine.port import HeldImage, Image, PullStep
from tidegate.engine.pull_progress import PullProgress, RawPull
from tidegate.errors import EngineError, EngineUnreachable, NoSuchThing, Problem

SILENCE_SECONDS = 90.0  # the engine itself gives a registry that does not answer up to a minute
ASK_SECONDS = 20.0  # for one manifest, while somebody waits at a terminal


class RawImage(Pascal):
    """Answer of `/images/{name}/json`; `config` is what its containers get."""

    id: str
    repo_digests: list[str] | None = None
    config: Json | None = None


class RawListed(Pascal):
    """One row of `/images/json`."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    created: float = 0.0


class RawDescriptor(msgspec.Struct):
    """What a manifest is called by."""

    digest: str


class RawDistribution(Pascal):
    """Answer of `/distribution/{name}/json`."""

    descriptor: RawDescriptor


class DockerImages:
    """Questions about images to the engine behind `http`; `logins` are for the registries it is to ask."""

    def __init__(self, http: DockerHttp, logins: Logins | None = None) -> None:
        self._http = http
        self._logins = logins or Logins(None)

    async def find(self, name: str) -> Image:
        """The image with this name or id; raises NoSuchThing."""
        try:
            raw = await self._read(name)
        except NoSuchThing as error:
            raise NoSuchThing(_missing(name, self._http.url)) from error
        return Image(id=raw.id, name=name, digests=tuple(raw.repo_digests or ()))

    async def held(self) -> tuple[HeldImage, ...]:
        """All of them, the newest first."""
        rows = await self._http.read(list[RawListed], "/images/json", "images")
        rows.sort(key=lambda row: -row.created)
        return tuple(HeldImage(id=row.id, names=_names(row)) for row in rows)

    async def config(self, image: str) -> Json | None:
        """What the image with this id gives its containers; None where the engine holds it no more."""
        try:
            return (await self._read(image)).config or {}
        except NoSuchThing:
            return None

    async def pull(self, name: str) -> AsyncIterator[PullStep]:
        """See `Engine.pull`."""
        wanted = read_image_name(name)
        params = {"fromImage": wanted.repository, "tag": wanted.wanted}
        with _faults(name, wanted, SILENCE_SECONDS):
            async with contextlib.aclosing(self._pull(wanted, params)) as steps:
                async for step in steps:
                    yield step

    async def latest(self, name: str) -> str:
        """See `Engine.latest`."""
        wanted, what = read_image_name(name), f"registry's image {name}"
        called = f"{wanted.repository}{'@' if wanted.digest else ':'}{wanted.wanted}"
        path = f"/distribution/{quote(called, safe='/:@')}/json"
        with _faults(name, wanted, ASK_SECONDS):
            headers = await self._logins.headers(wanted.registry)
            answer = await self._http.call("GET", path, what, headers=headers, seconds=ASK_SECONDS)
            return self._http.parse(RawDistribution, answer, what).descriptor.digest

    async def _pull(self, wanted: ImageName, params: dict[str, str]) -> AsyncGenerator[PullStep, None]:
        progress, splitter = PullProgress(), JsonSplitter()
        async with self._http.stream(
            "POST",
            "/images/create",
            wanted.repository,
            params=params,
            headers=await self._logins.headers(wanted.registry),
            seconds=SILENCE_SECONDS,
            silence_seconds=SILENCE_SECONDS,
        ) as content:
            async for chunk in content.iter_any():
                for raw in self._values(splitter, chunk, wanted.repository):
                    if raw.error:
                        raise faults.refused(self._http.url, 500, msgspec.json.encode({"message": raw.error}), "pull")
                    yield progress.feed(raw)

    def _values(self, splitter: JsonSplitter, chunk: bytes, what: str) -> list[RawPull]:
        try:
            return [decode(RawPull, value) for value in splitter.feed(chunk)]
        except ValueError as error:
            raise faults.not_understood(self._http.url, f"pull {what}", error) from error

    async def _read(self, name: str) -> RawImage:
        return await self._http.read(RawImage, f"/images/{quote(name, safe='/:@')}/json", f"image {name}")


@contextlib.contextmanager
def _faults(name: str, wanted: ImageName, seconds: float) -> Iterator[None]:
    """What goes wrong with the registry, in our words; `seconds` is how long nothing was heard where nothing was."""
    try:
        yield
    except EngineUnreachable as error:
        if error.problems[0].code != "T1104":
            raise
        raise EngineError(_silent(name, wanted, seconds)) from error
    except (EngineError, NoSuchThing) as error:
        if error.problems[0].code == "T1161":
            raise
        raise EngineError(_failed(name, wanted, error.problems[0])) from error


def _names(row: RawListed) -> tuple[str, ...]:
    """Where an image has no name the engine writes `<none>` for its parts."""
    return tuple(each for each in (*(row.repo_tags or ()), *(row.repo_digests or ())) if "<none>" not in each)


def _missing(name: str, url: str) -> Problem:
    return Problem(
        code="T1150",
        text=f"the engine holds no image {name}",
        place=url,
        mend=f"build it there, or let it be fetched: --pull missing, or docker pull {name}",
        kept="nothing was created",
    )


def _failed(name: str, wanted: ImageName, cause: Problem) -> Problem:
    return Problem(
        code="T1151",
        text=f"image {name} could not be fetched from {wanted.registry}",
        place=name,
        cause=cause.text,
        mend="check name and tag, that the registry is reached from the engine's host, and whether it asks for a login "
        "(docker.registry_config says where those are); or fetch it there yourself and deploy with --pull never",
        kept="nothing was created",
    )


def _silent(name: str, wanted: ImageName, seconds: float) -> Problem:
    return Problem(
        code="T1151",
        text=f"image {name} could not be fetched from {wanted.registry}",
        place=name,
        cause=f"nothing was heard of it for {seconds:g} s",
        mend="check that the registry is reached from the engine's host, then deploy again: what was fetched is kept",
        kept="nothing was created",
    )
