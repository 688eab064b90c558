"""The HTTP/1 catalogue (tests/cases) through a router, over sockets: desync, normalisation, response splitting."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.cases import requests, responses
from tests.cases.strict import read_request
from tests.cases.talk import talk
from tests.fuzz import mutation
from tests.fuzz.conversation import UPGRADED, Message, Requests, conversed
from tests.support.origin import serving
from tests.support.router import quick, route, running
from tidegate.policy import Timeouts
from tidegate.tasks import Tasks

CASES = Path(__file__).parents[2] / "cases"
CUT = {"steps": [{"split_after": "\r"}]}
LONGEST_CUT = 1000
LANES = 12  # routers side by side, each with an origin of its own: the time goes into waiting for silence


def groups(name):
    """Cases by group. Those that wait for minutes-long timeouts, or for idle pushes, have tests of their own."""
    found = {}
    for case in json.loads((CASES / name).read_text())["cases"]:
        if not case.get("long") and not case.get("idle_push"):
            found.setdefault(case["group"], []).append(case)
    return [pytest.param(cases, id=group) for group, cases in found.items()]


async def plain_lane(stack, script):
    origin = await stack.enter_async_context(serving(script))
    held = route(timeouts=Timeouts(hold=0.0))
    mesh = await stack.enter_async_context(running(origin, routes=[held], config=quick(drain_seconds=0.2)))
    return mesh.address, script


async def findings(cases, script, judge, lane=plain_lane):
    """Run all cases on lanes; what was found, by case."""
    found = {}
    left = iter(cases)
    async with AsyncExitStack() as stack:
        lanes = [await lane(stack, script()) for _ in range(min(LANES, len(cases)))]
        async with Tasks("lanes") as tasks:
            for address, recorder in lanes:
                tasks.spawn("lane", follow(left, address, recorder, (judge, found)))
    return {name: text for name, text in found.items() if text}


async def follow(left, address, recorder, judging):
    judge, found = judging
    for case in left:
        async with asyncio.timeout(30):
            found[case["name"]] = await judge(case, address, recorder)


@pytest.mark.parametrize("cases", groups("http1-requests.json"))
async def test_requests_are_refused_or_forwarded_unambiguously(cases):
    assert not await findings(cases, requests.Recorder, requests.own_finding)


@pytest.mark.parametrize("cases", groups("http1-requests.json"))
async def test_requests_cut_inside_every_line_end_come_to_the_same(cases):
    short = [case for case in cases if len(case["raw"]) < LONGEST_CUT and not case.get("steps")]
    assert not await findings([case | CUT for case in short], requests.Recorder, requests.own_finding)


@pytest.mark.parametrize("cases", groups("http1-responses.json"))
async def test_responses_reach_their_own_client_whole_or_visibly_cut(cases):
    assert not await findings(cases, responses.Player, responses.finding)


@pytest.mark.parametrize("cases", groups("http1-responses.json"))
async def test_responses_cut_inside_every_line_end_come_to_the_same(cases):
    assert not await findings(cases, partial(responses.Player, cut=True), responses.finding)


def mutants(count):
    """Changed cases that name no other host and no other protocol, with what the codec alone makes of them."""
    rng = random.Random(count)
    found = []
    while len(found) < count:
        octets = mutation.mutant(rng, "requests")
        codec = conversed(Requests(), octets)
        hosts = {request.host for request in strict_reading(b"".join(codec.forwarded))}
        if hosts <= {"a.test"} and codec.ending != UPGRADED:
            raw, name = octets.decode("latin-1"), str(len(found))
            found.append({"name": name, "raw": raw, "requests": len(codec.messages), "messages": codec.messages})
    return found


def strict_reading(octets):
    while octets and (read := read_request(octets)):
        yield read[0]
        octets = octets[read[1] :]


async def like_the_codec_alone(case, address, recorder):
    recorder.forget()
    heard = await talk(address, case["raw"], expected=case["requests"])
    seen = [Message(one.method.encode(), one.target.encode("latin-1"), one.body) for one in recorder.seen]
    if seen == case["messages"] and not recorder.ambiguous:
        return ""
    return f"{case['raw']!r}: {seen} {recorder.ambiguous} {heard.data!r}, the codec says {case['messages']}"


async def test_the_router_forwards_of_changed_cases_what_the_codec_alone_would():
    assert not await findings(mutants(300), requests.Recorder, like_the_codec_alone)
