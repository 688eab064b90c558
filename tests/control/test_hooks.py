from __future__ import annotations

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.asking_gates import asking
from tests.support.hook import listening, never
from tidegate.config import ReleasesConfig
from tidegate.control.hooks import Hooks
from tidegate.control.outgoing import Outgoing
from tidegate.release.gates import HookGate, Outcome

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
async def outgoing():
    made = Outgoing()
    yield made
    await made.close()


async def asked(outgoing, *answers, **config):
    async with listening(*answers) as hook:
        gate = HookGate(label="load-test", url=f"{hook.url}/gate")
        verdict = await Hooks(outgoing, ReleasesConfig(**config), time.time).ask(gate, asking(gate))
        return verdict, hook.said


async def test_a_hook_is_told_of_the_step_and_knows_who_asks(outgoing):
    _, [said] = await asked(outgoing, webhook_secret=SECRET)
    told = Webhook(SECRET).verify(said.body.decode(), {name.lower(): value for name, value in said.headers.items()})
    assert (told["type"], told["gate"]) == ("release.gate", "load-test")
    assert told["data"] == json.loads(json.dumps(asking().document()))
    assert said.path == "/gate"


@pytest.mark.parametrize(
    ("answer", "outcome", "text"),
    [
        ((200, b"all 40 checks are green\n"), Outcome.PASS, "all 40 checks are green (HTTP 200)"),
        ((204, b""), Outcome.PASS, "HTTP 204"),
        ((409, b"p99 of checkout is 3 s"), Outcome.FAIL, "p99 of checkout is 3 s (HTTP 409)"),
        ((403, b""), Outcome.FAIL, "HTTP 403"),
        ((429, b"slow down"), Outcome.ERROR, "slow down (HTTP 429)"),
        ((500, b"oops"), Outcome.ERROR, "oops (HTTP 500)"),
        ((302, b""), Outcome.ERROR, "HTTP 302"),
    ],
)
async def test_2xx_passes_4xx_fails_and_all_else_could_not_be_asked(outgoing, answer, outcome, text):
    verdict, _ = await asked(outgoing, answer)
    assert (verdict.gate, verdict.outcome, verdict.text) == ("hook load-test", outcome, text)


async def test_a_hook_that_does_not_answer_could_not_be_asked(outgoing):
    verdict, _ = await asked(outgoing, never, hook_timeout_seconds=0.05)
    assert (verdict.outcome, verdict.text) == (Outcome.ERROR, "no answer within 0.05 s")


async def test_each_asking_has_an_identity_of_its_own(outgoing):
    now = iter((1000.0, 1001.0))
    async with listening() as hook:
        gate = HookGate(label="h", url=hook.url)
        hooks = Hooks(outgoing, ReleasesConfig(), lambda: next(now))
        for _ in range(2):
            await hooks.ask(gate, asking(gate))
    assert [said.headers["webhook-id"] for said in hook.said] == [
        "gate-shop-web-12-2-h-1000000",
        "gate-shop-web-12-2-h-1001000",
    ]
