"""Which of several routes for one host and path takes a request: conditions on method, fields, cookies and query. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tidegate.http1.events import RequestHead
from tidegate.http1.lookup import cookie, fields, parameter
from tidegate.policy import Match


class Conditions:
    """A `Match`, ready to be tested."""

    __slots__ = ("_cookies", "_headers", "_match", "_methods", "_query")

    def __init__(self, match: Match) -> None:
        self._match = match
        self._methods = frozenset(method.encode() for method in match.methods)
        self._headers = [(each.name.lower().encode(), _encoded(each.value)) for each in match.headers]
        self._cookies = [(each.name.encode(), _encoded(each.value)) for each in match.cookies]
        self._query = [(each.name.encode(), _encoded(each.value)) for each in match.query]

    def hold(self, head: RequestHead) -> bool:
        """Whether all of them hold."""
        return self._first_lacking(head) is None

    def lacking(self, head: RequestHead) -> str:
        """The first condition that does not hold, in words; empty if all do."""
        found = self._first_lacking(head)
        if found is None:
            return ""
        kind, at = found
        match = self._match
        if kind == "method":
            return f"method {' or '.join(match.methods)}"
        each = {"header": match.headers, "cookie": match.cookies, "query parameter": match.query}[kind][at]
        return f"{kind} {each.name}" if each.value is None else f"{kind} {each.name} = {each.value}"

    def _first_lacking(self, head: RequestHead) -> tuple[str, int] | None:
        """Kind and number of the first condition that does not hold."""
        if self._methods and head.method not in self._methods:
            return "method", 0
        for at, (name, wanted) in enumerate(self._headers):
            found = list(fields(head.fields, name))
            if not found or (wanted is not None and wanted not in found):
                return "header", at
        for at, (name, wanted) in enumerate(self._cookies):
            if not _fits(cookie(head.fields, name), wanted):
                return "cookie", at
        for at, (name, wanted) in enumerate(self._query):
            if not _fits(parameter(head.target, name), wanted):
                return "query parameter", at
        return None


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

    def weighed(self, head: RequestHead) -> Iterator[tuple[Any, str]]:
        """What `choose` asks, in its order: each route with conditions and what it lacks, up to the one that takes the
        request."""
        for conditions, live in self._options:
            lacking = conditions.lacking(head)
            yield live, lacking
            if not lacking:
                return
        if self._fallback is not None and self._fallback.choice is not None:
            yield from self._fallback.choice.weighed(head)
