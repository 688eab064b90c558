"""The spec of a process like another one (pure)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidegate.engine.compose_labels import NUMBER_LABEL
from tidegate.engine.port import ContainerSpec, Duplicate


def duplicate_spec(original: ContainerSpec, change: Duplicate, number: int) -> ContainerSpec:
    """`original` with `change`; `number` takes the place of Compose's, 0 where there is none.

    An image does not say what runs, so without a new command it is the old one.
    """
    numbered = {NUMBER_LABEL: str(number)} if number else {}
    return msgspec.structs.replace(
        original,
        name=change.name,
        image=change.image or original.image,
        command=change.command or original.command,
        entrypoint=original.entrypoint if change.entrypoint is None else change.entrypoint,
        environment=_said(original.environment | change.environment),
        labels=_said(original.labels | numbered | change.labels),
    )


def _said(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text is not None}
