"""Making a container like another one on a Docker Engine, so that it can be done twice.

Order: look, refuse, take what is there already, else create, then connect to the further networks. Whoever dies in between
finds by the name and by our labels, next time, what was created, and completes it.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import msgspec

from tidegate.engine import docker_send as send
from tidegate.engine.compose_labels import next_number, same_service
from tidegate.engine.docker_copy import copy, name_of
from tidegate.engine.docker_differences import differences, refusals
from tidegate.engine.docker_http import DockerHttp
from tidegate.engine.docker_images import DockerImages
from tidegate.engine.docker_inherited import Json
from tidegate.engine.docker_raw import RawId, RawSummary
from tidegate.engine.port import Duplicate, Image
from tidegate.errors import EngineConflict, EngineError, NoSuchThing, Problem
from tidegate.value import Value

CREATE_SECONDS = 30.0
SHOWN_LOOKS, SHOWN_SECONDS = 50, 0.1  # looks for a container whose name is taken already, and the time between


class Original(Value):
    """What a duplicate is made from. `given` is what its image gave it, None where that image is gone; `image` is the new
    one's."""

    seen: Json
    given: Json | None
    image: Image
    change: Duplicate


class DockerDuplicates:
    """Duplicates on the engine behind `http`."""

    def __init__(self, http: DockerHttp, images: DockerImages) -> None:
        self._http = http
        self._images = images
        self._numbering = asyncio.Lock()  # held from choosing a number until a container has it

    async def duplicate(self, container: str, change: Duplicate) -> str:
        """See `Engine.duplicate`."""
        original = await self._look(container, change)
        async with self._numbering:
            known = await self._known(original) or await self._made(original)
        await self._connect(known, original)
        return known

    async def rehearse(self, container: str, change: Duplicate) -> tuple[Problem, ...]:
        """See `Engine.rehearse`."""
        original = await self._look(container, change)
        await self._known(original)
        return differences(original.seen, original.given, change)

    # --------------------------------------------------------------------------------------------------------- private

    async def _look(self, container: str, change: Duplicate) -> Original:
        """Everything that is asked before anything is done; raises what stands against it."""
        seen = await self._inspect(container)
        against = refusals(seen, change)
        if against:
            raise EngineError(*against)
        image = await self._image(seen, change)
        change = msgspec.structs.replace(change, image=image.name)
        return Original(seen=seen, given=await self._images.config(seen["Image"]), image=image, change=change)

    async def _image(self, seen: Json, change: Duplicate) -> Image:
        """The image asked for. The original's own is called by its name only while the name still stands for it, and so is one of
        which it is said what it has to be."""
        if change.image_id:
            return await self._very_image(change)
        if change.image:
            return await self._images.find(change.image)
        try:
            named = await self._images.find(seen["Config"]["Image"])
        except NoSuchThing:
            return await self._images.find(seen["Image"])
        return named if named.id == seen["Image"] else await self._images.find(seen["Image"])

    async def _very_image(self, change: Duplicate) -> Image:
        try:
            named = await self._images.find(change.image or change.image_id)
        except NoSuchThing:
            return await self._images.find(change.image_id)
        if named.id == change.image_id:
            return named
        try:
            return await self._images.find(change.image_id)
        except NoSuchThing as error:
            raise EngineError(_other_image(change, named)) from error

    async def _known(self, original: Original) -> str:
        """The id of the container that an earlier call made, else empty; raises where the name is somebody else's."""
        change = original.change
        try:
            found = await self._inspect(change.name)
        except NoSuchThing:
            return ""
        if name_of(found) != change.name:
            return ""  # the beginning of an id reads like the name
        if not change.made(found["Config"].get("Labels") or {}):
            raise EngineError(_name_taken(change.name, found))
        if found["Image"] != original.image.id:
            raise EngineError(_made_of_another(change, found))
        return str(found["Id"])

    async def _made(self, original: Original) -> str:
        """The id of a new container, or of the one that another Tidegate is making in this very moment: an engine gives a name
        away a while before it shows the container."""
        try:
            return await self._create(original)
        except EngineConflict:
            for _ in range(SHOWN_LOOKS):
                if known := await self._known(original):
                    return known
                await asyncio.sleep(SHOWN_SECONDS)
            raise

    async def _create(self, original: Original) -> str:
        change = original.change
        made = copy(original.seen, original.given, change, await self._next_number(original.seen))
        body = await self._http.call(
            "POST",
            "/containers/create",
            f"create {change.name}",
            params={"name": change.name},
            json=made.body,
            seconds=CREATE_SECONDS,
        )
        return self._http.parse(RawId, body, "create").id

    async def _connect(self, container: str, original: Original) -> None:
        """Put it on every network it is not on yet."""
        made = copy(original.seen, original.given, original.change)
        if not made.networks:
            return
        found = ((await self._inspect(container)).get("NetworkSettings") or {}).get("Networks") or {}
        on = {*found, *(end.get("NetworkID") for end in found.values())}
        for network, end in made.networks.items():
            if network not in on:
                body = {"Container": container, "EndpointConfig": end}
                what = f"connect {original.change.name} to {network}"
                await self._http.call("POST", f"/networks/{quote(network, safe='')}/connect", what, json=body)

    async def _next_number(self, seen: Json) -> int:
        labels = seen["Config"].get("Labels") or {}
        same = tuple(f"{label}={text}" for label, text in same_service(labels).items())
        if not same:
            return 0
        params = {"all": "1", "filters": send.filters({"label": same})}
        rows = await self._http.read(list[RawSummary], "/containers/json", "list", params)
        return next_number(labels, [row.labels or {} for row in rows])

    async def _inspect(self, container: str) -> Json:
        path = f"/containers/{quote(container, safe='')}/json"
        return await self._http.read(dict[str, object], path, f"inspect {container}")


def _name_taken(name: str, found: Json) -> Problem:
    return Problem(
        code="T1154",
        text=f"the name {name} is taken by a container that is not of this release",
        place=f"container {found['Id'][:12]}",
        mend=f"rename or remove that one: docker rename {name} NAME",
        kept="nothing was created",
    )


def _other_image(change: Duplicate, image: Image) -> Problem:
    return Problem(
        code="T1155",
        text=f"{change.image} is not the image that the release began with",
        place=change.name,
        cause=f"it stands for {image.id[:19]} now, the release runs {change.image_id[:19]}",
        mend="tag the image again as it was, or abort and deploy the one it stands for now",
        kept="nothing was created",
    )


def _made_of_another(change: Duplicate, found: Json) -> Problem:
    return Problem(
        code="T1155",
        text=f"{change.name} is there, but was made from another image",
        place=f"container {found['Id'][:12]}",
        cause=f"it runs {found['Image'][:19]}",
        mend="remove that container: it will be made anew",
        kept="nothing was created",
    )
