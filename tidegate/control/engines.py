"""The engines on which releases act, by the name of the provider that shows their containers."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.engine.port import Engine
from tidegate.errors import EngineError, Problem


class Engines:
    """Finds an engine by the `node` of a slot, an act or an instance. Where there is one engine it need not be said."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = dict(engines)

    def name(self, node: str) -> str:
        """The full name of `node`, which need not be one of ours."""
        return next(iter(self._engines)) if not node and len(self._engines) == 1 else node

    def known(self, node: str) -> bool:
        """Whether one of these engines is meant; addresses from files run on none."""
        return self.name(node) in self._engines

    def at(self, node: str) -> Engine:
        """The engine; raises EngineError where there is none of that name."""
        engine = self._engines.get(self.name(node))
        if engine is None:
            raise EngineError(
                Problem(
                    code="T1158",
                    text=f"there is no engine {node!r} here to act on",
                    place=node,
                    mend="start Tidegate with the engines it had when the release began",
                    kept="the release waits",
                )
            )
        return engine
