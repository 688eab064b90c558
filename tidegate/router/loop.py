"""The event loop of a worker: asyncio's own, which waits in the reactor.

asyncio asks its selector what is ready; ours serves the connections of the data plane inside that question and answers when
the loop has something to do (docs/decisions/0103). Everything that knows asyncio runs on it as on any other loop.
"""

from __future__ import annotations

import asyncio
import select
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVarTuple

from tidegate.router.reactor import Reactor

_Arguments = TypeVarTuple("_Arguments")
_READ = select.EPOLLIN
_WRITE = select.EPOLLOUT


class Guests(selectors.BaseSelector):
    """The descriptors of asyncio in the epoll of a reactor."""

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Tell of these events. Raises KeyError if it is registered already."""
        descriptor = _descriptor(fileobj)
        if descriptor in self._keys:
            raise KeyError(f"{fileobj!r} is registered already")
        self._reactor.follow(descriptor, _flags(events), known=False)
        key = self._keys[descriptor] = selectors.SelectorKey(fileobj, descriptor, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Tell no more. Raises KeyError if it is not registered."""
        key = self._keys.pop(_descriptor(fileobj))
        self._reactor.follow(key.fd, 0, known=True)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Tell of these events instead. Raises KeyError if it is not registered."""
        key = self._keys[_descriptor(fileobj)]
        if events != key.events:
            self._reactor.follow(key.fd, _flags(events), known=True)
        key = self._keys[key.fd] = selectors.SelectorKey(fileobj, key.fd, events, data)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Serve the reactor's connections for so many seconds, or until a guest has events, a callback or a timer."""
        found = []
        for event in self._reactor.serve(timeout):
            key = self._keys.get(event & 0xFFFFFFFF)
            if key is not None:  # not gone since
                found.append((key, _events(event >> 32) & key.events))
        return found

    def close(self) -> None:
        """Give the epoll back."""
        self._keys.clear()
        self._reactor.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """By descriptor, which is all that asyncio asks with."""
        return self._keys


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


def _flags(events: int) -> int:
    return (_READ if events & selectors.EVENT_READ else 0) | (_WRITE if events & selectors.EVENT_WRITE else 0)


def _events(flags: int) -> int:
    """What broke is told to whoever waits for anything, as asyncio expects it."""
    return (selectors.EVENT_READ if flags & ~_WRITE else 0) | (selectors.EVENT_WRITE if flags & ~_READ else 0)


class Loop(asyncio.SelectorEventLoop):
    """A loop with a `reactor`. The callbacks of `add_reader` are called by the reactor, in their turn among connections,
    not through the loop's queue."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        super().__init__(Guests(self.reactor))
        self.reactor.on_fault = self._told
        self._ready: deque[
            Any
        ]  # of asyncio's base class, as `_scheduled` is; tests/router/test_loop.py would miss them
        self.reactor.host(self._ready, self._timers)

    def _timers(self) -> list[Any]:
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]
        return timers

    def _told(self, error: BaseException) -> None:
        self.call_exception_handler({"message": "fault on a connection or reader", "exception": error})

    def add_reader(self, fd: Any, callback: Callable[[*_Arguments], Any], *args: *_Arguments) -> None:
        """Call whenever there is something to read."""
        self.reactor.watch(_descriptor(fd), partial(callback, *args) if args else callback)

    def remove_reader(self, fd: Any) -> bool:
        """Whether there was a reader; asyncio ends its own with this call, too."""
        return self.reactor.unwatch(_descriptor(fd)) or super().remove_reader(fd)
