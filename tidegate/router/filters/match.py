"""Which of several routes for one host and path takes a request: conditions on method, fields, cookies and query. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.http1.events import RequestHead
from tidegate.http1.lookup import cookie, fields, parameter
from tidegate.policy import Match


class Conditions:
    """A `Match`, ready to be tested."""

    __slots__ = ("_cookies", "_headers", "_methods", "_query")

    def __init__(self, match: Match) -> None:
        self._methods = frozenset(method.encode() for method in match.methods)
        self._headers = [(each.name.lower().encode(), _encoded(each.value)) for each in match.headers]
        self._cookies = [(each.name.encode(), _encoded(each.value)) for each in match.cookies]
        self._query = [(each.name.encode(), _encoded(each.value)) for each in match.query]

    def hold(self, head: RequestHead) -> bool:
        """Whether all of them hold."""
        if self._methods and head.method not in self._methods:
            return False
        for name, wanted in self._headers:
            found = list(fields(head.fields, name))
            if not found or (wanted is not None and wanted not in found):
                return False
        return all(_fits(cookie(head.fields, name), wanted) for name, wanted in self._cookies) and all(
            _fits(parameter(head.target, name), wanted) for name, wanted in self._query
        )


def _encoded(value: str | None) -> bytes | None:
    return None if value is None else value.encode("latin-1", "replace")


def _fits(found: bytes | None, wanted: bytes | None) -> bool:
    return found is not None and (wanted is None or found == wanted)


class Choice:
    """The routes of one path, most conditions first; `fallback` takes what none of them does (the path's unconditional
    route, or what serves the next shorter path; may be None)."""

    __slots__ = ("_fallback", "_options")

    def __init__(self, options: Sequence[tuple[Match, Any]], fallback: Any) -> None:
        ordered = sorted(options, key=lambda option: (-option[0].conditions(), str(option[0])))
        self._options = [(Conditions(match), live) for match, live in ordered]
        self._fallback = fallback

    def choose(self, head: RequestHead) -> Any:
        """The route that takes the request, or None."""
        for conditions, live in self._options:
            if conditions.hold(head):
                return live
        fallback = self._fallback
        return fallback if fallback is None or fallback.choice is None else fallback.choice.choose(head)
