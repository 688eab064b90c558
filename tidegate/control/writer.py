"""How an override is set or taken away: one transaction of the store, in force on all workers when its answer comes."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from tidegate.building import Build
from tidegate.control import guard, targets
from tidegate.control.answers import Changed, ChangeQuery, Document
from tidegate.control.changes import since, told
from tidegate.control.document import document
from tidegate.control.overrides import compiled, store_key
from tidegate.control.parts import Parts
from tidegate.control.refusal import Refused
from tidegate.control.stored import Setting
from tidegate.errors import Conflict, Problem, Severity


class OverrideWriter:
    """Sets and clears overrides, or shows what that would do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def put(
        self, request: web.Request, query: ChangeQuery, kind: str, target: str, value: Any, why: str
    ) -> Changed:
        """Set one override; only shown on a dry run. Raises Refused where it changed meanwhile."""
        if query.dry_run:
            return self._preview(kind, target, value)
        before = self._parts.reconciler.current
        try:
            setting = await self._parts.book.put(
                kind, target, value, who=guard.who(request), why=why, expected=_if_match(request)
            )
        except Conflict as error:
            raise Refused(412 if "If-Match" in request.headers else 409, *error.problems) from None
        return await self.changed(query, target, before, setting.revision)

    async def delete(self, request: web.Request, query: ChangeQuery, kind: str, target: str, why: str) -> Changed:
        """Take one override away; as `put`."""
        book = self._parts.book
        if book.setting(kind, target) is None and kind != "drain":
            targets.known(self._parts.reconciler.table, target)
        if query.dry_run:
            return self._preview(kind, target, None)
        before = self._parts.reconciler.current
        try:
            await book.delete(kind, target, who=guard.who(request), why=why, expected=_if_match(request))
        except Conflict as error:
            raise Refused(412 if "If-Match" in request.headers else 409, *error.problems) from None
        return await self.changed(query, target, before, 0)

    def _preview(self, kind: str, target: str, value: Any) -> Changed:
        reconciler, book = self._parts.reconciler, self._parts.book
        settings = {store_key(each.kind, each.target): each for each in book.settings}
        known = settings.pop(store_key(kind, target), None)
        if value is not None:
            settings[store_key(kind, target)] = Setting(kind=kind, target=target, value=value, revision=0)
        unread = [each for each in book.unread if (each.kind, each.target) != (kind, target)]
        after = reconciler.preview(self._parts.releases.overlaid(compiled(settings.values(), unread)))
        return Changed(
            target=target,
            dry_run=True,
            version=reconciler.table.version,
            revision=known.revision if known else 0,
            applied=False,
            changes=[{"kind": each, "text": text} for each, text in told(reconciler.current, after)],
            warnings=_new_problems(reconciler.current.problems, after.problems),
        )

    async def changed(self, query: ChangeQuery, target: str, before: Build, revision: int) -> Changed:
        """What a change did since `before`, in force at all workers where that is asked for. Raises Refused (T1613)."""
        reconciler = self._parts.reconciler
        version = reconciler.settle()
        after = reconciler.current
        applied = False
        if query.wait:
            applied = await self._parts.followers.wait_applied(version, query.wait)
            if not applied:
                raise Refused(
                    504,
                    Problem(
                        code="T1613",
                        text=f"not all workers followed table {version} within {query.wait:g} s",
                        cause="a worker is busy or gone",
                        mend="the change is made; look at tidegate status",
                        kept="the change stands",
                    ),
                )
        return Changed(
            target=target,
            dry_run=False,
            version=version,
            revision=revision,
            applied=applied,
            changes=[{"kind": each, "text": text} for each, text in told(before, since(before, after))],
            warnings=_new_problems(before.problems, after.problems),
        )


def _new_problems(before: tuple[Problem, ...], after: tuple[Problem, ...]) -> list[Document]:
    return [document(problem) for problem in after if problem not in before and problem.severity is Severity.WARNING]


def _if_match(request: web.Request) -> int | None:
    given = request.headers.get("If-Match")
    if given is None:
        return None
    text = given.strip().strip('"')
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise Refused(400, Problem(code="T1602", text="If-Match is not a revision", place="/header/If-Match"))
    return int(text)
