"""Gates that ask a web hook: it is told of the step and says yes with a 2xx, no with a 4xx.

Everything else (no answer in time, 5xx, a redirect; 408, 425 and 429, which speak of the asking and not of what was asked) is
an *error*: the hook could not be asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tidegate.config import ReleasesConfig
from tidegate.control.asking import Asking
from tidegate.control.outgoing import Answer, Outgoing
from tidegate.control.signature import headers
from tidegate.release.gates import HookGate, Outcome, Verdict

_NO_ANSWER = frozenset((408, 425, 429))  # RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4


class Hooks:
    """`wall` gives seconds since the epoch."""

    def __init__(self, outgoing: Outgoing, config: ReleasesConfig, wall: Callable[[], float]) -> None:
        self._outgoing = outgoing
        self._secret = config.webhook_secret
        self._seconds = config.hook_timeout_seconds
        self._wall = wall

    async def ask(self, gate: HookGate, asking: Asking) -> Verdict:
        """The verdict of one gate, within the time for a hook."""
        now = self._wall()
        body = json.dumps({"type": "release.gate", "gate": gate.label, "data": asking.document()}).encode()
        identity = f"gate-{asking.release.replace('/', '-')}-{asking.step}-{gate.label}-{int(now * 1000)}"
        signed = headers(identity, now, body, self._secret)
        return verdict_of(gate, await self._outgoing.post(gate.url, body, signed, self._seconds))


def verdict_of(gate: HookGate, answer: Answer) -> Verdict:
    """What an answer says."""
    if answer.good:
        outcome = Outcome.PASS
    elif 400 <= answer.status < 500 and answer.status not in _NO_ANSWER:
        outcome = Outcome.FAIL
    else:
        outcome = Outcome.ERROR
    status = f"HTTP {answer.status}"
    text = answer.says if answer.says == status or not answer.status else f"{answer.says} ({status})"
    return Verdict(gate=gate.name, outcome=outcome, text=text)
