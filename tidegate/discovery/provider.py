"""The interface of whoever sees containers, processes or static addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tidegate.errors import Problem
from tidegate.model import Inventory

Publish = Callable[[Inventory], None]


class Provider(Protocol):
    """Watches one source for ever."""

    @property
    def name(self) -> str:
        """Unique among the providers; stands in every inventory and instance."""
        ...

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the source right now; empty when all is well. Readable before the first inventory."""
        ...

    async def run(self, publish: Publish) -> None:
        """Publish an inventory whenever something changed, the first one only when everything has been seen once.
        Runs until cancelled; a source that is away is waited for, never an error."""
        ...
