"""Adding up what an engine tells while it fetches an image, layer by layer (pure)."""

from __future__ import annotations

from msgspec import Struct

from tidegate.engine.port import PullStep

_DONE = ("Pull complete", "Already exists")


class RawProgress(Struct):
    """Bytes of one layer; `total` 0 where it is not known."""

    current: int = 0
    total: int = 0


class RawPull(Struct, rename={"detail": "progressDetail"}):
    """One value of the stream. `id` is a layer's, or the tag that is asked for; empty for words on the whole."""

    status: str = ""
    id: str = ""
    detail: RawProgress | None = None
    error: str = ""


class PullProgress:
    """Feed it the values in order, get back where the whole stands."""

    def __init__(self) -> None:
        self._layers: dict[str, RawProgress] = {}  # bytes of each layer; those that the engine holds have none
        self._done: set[str] = set()
        self._said = ""

    def feed(self, raw: RawPull) -> PullStep:
        """`raw` carries no error: the caller has looked."""
        self._said = raw.status or self._said
        if raw.status == "Pulling fs layer" or raw.status in _DONE:
            self._layers.setdefault(raw.id, RawProgress())
        if raw.status in _DONE:
            self._finish(raw.id)
        elif raw.status == "Downloading" and raw.detail is not None:
            self._layers[raw.id] = raw.detail
        elif raw.status == "Download complete":
            self._fill(raw.id)
        return self._step()

    def _finish(self, layer: str) -> None:
        self._done.add(layer)
        self._fill(layer)

    def _fill(self, layer: str) -> None:
        """All of its bytes are here, whatever was told last: small layers never say so."""
        seen = self._layers.get(layer, RawProgress())
        self._layers[layer] = RawProgress(current=max(seen.current, seen.total), total=max(seen.current, seen.total))

    def _step(self) -> PullStep:
        return PullStep(
            said=self._said,
            layers_done=len(self._done),
            layers=len(self._layers),
            done_bytes=sum(layer.current for layer in self._layers.values()),
            total_bytes=sum(layer.total for layer in self._layers.values()),
        )
