"""The filters of one route, in order. Pure: built when the table is taken over, run for each request on the route."""

from __future__ import annotations

from typing import Protocol

from tidegate.errors import Reason
from tidegate.http1.events import RequestHead, ResponseHead
from tidegate.policy import Filters, Policy
from tidegate.router.filters.access import AccessStep
from tidegate.router.filters.answer import Answer, Question
from tidegate.router.filters.ask import Ask
from tidegate.router.filters.auth import BasicAuthStep, ForwardAuthStep
from tidegate.router.filters.compress import Coder, CompressStep
from tidegate.router.filters.cors import CorsStep
from tidegate.router.filters.headers import HeaderStep
from tidegate.router.filters.path import PathEdit
from tidegate.router.filters.rate import RateStep
from tidegate.router.filters.redirect import RedirectStep


class Step(Protocol):
    """One filter on the way in. Those that ask questions also have `conclude(ask, outcome)`."""

    def on_request(self, ask: Ask) -> Answer | Question | None:
        """An answer ends the exchange, a question suspends it, None goes on."""


class Chain:
    """`request` runs the steps; `edit` changes the head of an answer; `pages` are texts for our own errors by status."""

    __slots__ = ("_answer_edits", "_compress", "_cors", "_steps", "body_limit", "pages")

    def __init__(self, policy: Policy, path: str, share: int, secret: bytes) -> None:
        filters = policy.filters
        self._steps = _steps(filters, path, share, secret)
        self._cors = CorsStep(filters.cors) if filters.cors is not None else None
        self._answer_edits = HeaderStep(filters.response_headers) if filters.response_headers is not None else None
        self._compress = CompressStep(filters.compress) if filters.compress is not None else None
        self.pages = {status: page.encode() for status, page in filters.pages}
        self.body_limit = policy.limits.body_bytes

    def request(self, ask: Ask) -> Answer | Question | None:
        """Run the steps from `ask.at` on; None if the request may go on to a container."""
        while ask.at < len(self._steps):
            verdict = self._steps[ask.at].on_request(ask)
            ask.at += 1
            if verdict is not None:
                return verdict
        return None

    def conclude(self, ask: Ask, outcome: object) -> Answer | Question | None:
        """The outcome of the question that the last step asked; goes on as `request` does."""
        step = self._steps[ask.at - 1]
        assert isinstance(step, BasicAuthStep | ForwardAuthStep), "only these ask"
        verdict = step.conclude(ask, outcome)
        return verdict if verdict is not None else self.request(ask)

    def edit(self, request: RequestHead, head: ResponseHead) -> Coder | None:
        """Edit the head of the container's answer; the coder of its body, if it is to be compressed."""
        if self._cors is not None:
            head.fields = self._cors.edited(head.fields, request.fields)
        if self._answer_edits is not None:
            head.fields = self._answer_edits.edited(head.fields)
        return self._compress.coder(request, head) if self._compress is not None else None

    def page(self, reason: Reason) -> bytes:
        """The route's own text for an error, empty if it has none."""
        return self.pages.get(reason.status, b"")


def _steps(filters: Filters, path: str, share: int, secret: bytes) -> list[Step]:
    steps: list[Step] = []
    if filters.allow or filters.deny:
        steps.append(AccessStep(filters.allow, filters.deny))
    if filters.rate is not None:
        steps.append(RateStep(filters.rate, share))
    if filters.cors is not None:
        steps.append(CorsStep(filters.cors))
    if filters.redirect is not None:
        steps.append(RedirectStep(filters.redirect, path))
    if filters.basic_auth is not None:
        steps.append(BasicAuthStep(filters.basic_auth, secret))
    if filters.forward_auth is not None:
        steps.append(ForwardAuthStep(filters.forward_auth))
    if filters.strip_prefix or filters.add_prefix or filters.replace_prefix:
        steps.append(PathEdit(filters, path))
    if filters.request_headers is not None:
        steps.append(HeaderStep(filters.request_headers))
    return steps


def build_chain(policy: Policy, path: str, share: int, secret: bytes) -> Chain | None:
    """The chain of a route below `path`; None if its policy asks for none. `secret` keys what is remembered of passwords."""
    if policy.filters == Filters() and not policy.limits.body_bytes:
        return None
    return Chain(policy, path, share, secret)
