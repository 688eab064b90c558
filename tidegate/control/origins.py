"""What the old side of a release was, kept so that it can be made again when nothing of it is left.

Its containers are then copied from those of the new side, which have all that went over: networks, volumes, limits. Here is what
may differ between the two: image, environment, labels, command, entrypoint. Values that each replica had of its own came over with
the copies, so they are left to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tidegate.control.duplicates import OWN_LABELS
from tidegate.control.engines import Engines
from tidegate.engine.port import ContainerDetail, Engine
from tidegate.errors import EngineError, NoSuchThing
from tidegate.release.image import Pin
from tidegate.release.spec import Change, Origin
from tidegate.telemetry import logger

_Texts = dict[str, str | None]

_log = logger("control.releases")


class Origins:
    """Asks the engines what containers are."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    async def of(self, containers: Iterable[tuple[str, str]]) -> Origin | None:
        """What these are together, (node, id) each; None where nothing of them is known."""
        try:
            found = await self._details(containers)
            pins = {node: await _pin(self._engines.at(node), detail.image_id) for node, detail in reversed(found)}
        except EngineError as error:
            _log.warning("what runs now cannot be remembered", extra={"cause": str(error)})
            return None
        return together([detail for _, detail in found], pins) if found else None

    async def undoing(self, origin: Origin, copies: Iterable[tuple[str, str]]) -> Change:
        """How containers like `copies` have to differ from them to be what `origin` tells. Raises EngineError."""
        return back_to(origin, [detail for _, detail in await self._details(copies)])

    async def _details(self, containers: Iterable[tuple[str, str]]) -> list[tuple[str, ContainerDetail]]:
        """Those that are there, and on an engine."""
        found = []
        for node, container in containers:
            if not self._engines.known(node):
                continue
            try:
                found.append((node, await self._engines.at(node).inspect(container)))
            except NoSuchThing:
                continue
        return found


async def _pin(engine: Engine, image: str) -> Pin:
    try:
        held = await engine.image(image)
    except NoSuchThing:  # removed by force while its containers run
        return Pin(id=image)
    return Pin(id=image, digests=held.digests)


def together(originals: Sequence[ContainerDetail], pins: Mapping[str, Pin]) -> Origin:
    """One value for all of `originals`, the first of which speaks for them where they had to be alike."""
    first = originals[0]
    return Origin(
        image=first.image,
        images=dict(pins),
        environment=_common([_environment(each) for each in originals]),
        labels=_common([_labels(each) for each in originals]),
        command=first.command[len(first.entrypoint) :],
        entrypoint=first.entrypoint,
    )


def back_to(origin: Origin, copies: Iterable[ContainerDetail]) -> Change:
    """The change that makes copies of `copies` what `origin` tells: what it had is set, what came since is taken away."""
    copies = list(copies)
    return Change(
        image=origin.image,
        environment=_restored(origin.environment, [_environment(each) for each in copies]),
        labels=_restored(origin.labels, [_labels(each) for each in copies]),
        command=origin.command,
        bare=not origin.command,
        entrypoint=origin.entrypoint,
    )


def _environment(detail: ContainerDetail) -> dict[str, str]:
    return dict(entry.split("=", 1) for entry in detail.environment if "=" in entry)


def _labels(detail: ContainerDetail) -> dict[str, str]:
    return {name: text for name, text in detail.labels.items() if name not in OWN_LABELS}


def _common(texts: Sequence[Mapping[str, str]]) -> _Texts:
    """Values that are the same everywhere; None for those that are not."""
    names = dict.fromkeys(name for each in texts for name in each)
    return {name: texts[0].get(name) if len({each.get(name) for each in texts}) == 1 else None for name in names}


def _restored(wanted: Mapping[str, str | None], now: Sequence[Mapping[str, str]]) -> _Texts:
    since = dict.fromkeys(name for each in now for name in each if name not in wanted)
    return {name: text for name, text in wanted.items() if text is not None} | dict.fromkeys(since)
