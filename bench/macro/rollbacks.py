"""What the way back costs, on a real Docker Engine under a `crowd`: every strategy of Tidegate is turned back at each of its steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import uvloop

from bench.macro import replica_image
from bench.macro.crowd import Crowd, Step, share_of
from bench.macro.dockerd import Dockerd
from bench.macro.program import descriptors
from bench.macro.proxies import PROXIES
from bench.macro.record import Plan, Record
from bench.macro.releasers import SERVICE, Tidegate
from bench.macro.releases import LAST_SECONDS, standing, tell
from bench.macro.sample import Absent, Value, plainly
from bench.macro.stage import HOST

BENCH = "rollbacks"
PEER = "tidegate"
REACH_SECONDS = 360.0
POLL_SECONDS = 0.1
BEFORE_SECONDS = 2.0
AFTER_SECONDS = 5.0
SOCKET_SECONDS = (2.0, 5.0)
PATIENCE_SECONDS = 32.0  # of a client: longer than requests are held
QUICK = ("--min-healthy", "1s", "--on-unsure", "pass")


class Turn(Value):
    """One way back, from `where`. `there` is asked of the record; then `verbs` are said, one after the other."""

    case: str
    where: str
    replicas: int
    options: tuple[str, ...]
    there: Callable[[dict[str, object]], bool]
    verbs: tuple[str, ...] = ("abort",)
    rate: float = 300.0
    linger_seconds: float = 2.0  # in the step, before it is turned back


def _state(*names: str) -> Callable[[dict[str, object]], bool]:
    return lambda told: told.get("state") in names


def _share(least: float) -> Callable[[dict[str, object]], bool]:
    return lambda told: told["release"]["share"] >= least  # type: ignore[index,no-any-return]


def _step(number: int) -> Callable[[dict[str, object]], bool]:
    """So many steps are done."""
    return lambda told: told["release"]["step"] >= number  # type: ignore[index,no-any-return]


def _held(told: dict[str, object]) -> bool:
    """Nobody serves, and requests wait."""
    return bool(told["release"]["held"])  # type: ignore[index]


_ROLLING = ("--rolling", "--hold", "10s")
_BLUE_GREEN = ("--blue-green", "--hold", "1s", "--retain", "60s")
_CANARY = ("--canary", "5,25,50", "--hold", "4s", "--confirm")
_REPLACE = ("--replace", "--hold", "10s")
TURNS = (
    Turn(case="rolling of 10", where="after 3 replicas", replicas=10, options=_ROLLING, there=_step(3)),
    Turn(case="rolling of 10", where="after 7 replicas", replicas=10, options=_ROLLING, there=_step(7)),
    Turn(
        case="blue-green of 4",
        where="ready, before the switch",
        replicas=4,
        options=(*_BLUE_GREEN, "--min-healthy", "10s"),
        there=_state("starting"),
        linger_seconds=8.0,
    ),
    Turn(
        case="blue-green of 4",
        where="waiting to be confirmed",
        replicas=4,
        options=_BLUE_GREEN,
        there=_state("awaiting-confirm"),
    ),
    Turn(
        case="blue-green of 4",
        where="complete, v1 retained",
        replicas=4,
        options=_BLUE_GREEN,
        there=_state("awaiting-confirm"),
        verbs=("promote", "rollback"),
    ),
    *(
        Turn(case="canary of 4", where=f"at {share} %", replicas=4, options=_CANARY, there=_share(share))
        for share in (5, 25, 50)
    ),
    Turn(
        case="canary of 4",
        where="at 100 %, not confirmed",
        replicas=4,
        options=_CANARY,
        there=_state("awaiting-confirm"),
    ),
    Turn(case="replace of 4", where="while requests are held", replicas=4, options=_REPLACE, there=_held, rate=100.0),
    Turn(case="replace of 4", where="while watched", replicas=4, options=_REPLACE, there=_share(100), rate=100.0),
)


def measure(plan: Plan, record: Record) -> None:
    """A round is some twelve minutes; `plan.seconds` has no part in it."""
    descriptors()
    try:
        engine = Dockerd(plan.folder / "engine")
        record.note_version(PEER, (PROXIES[PEER].find(), PROXIES[PEER].version_argument))
    except Absent as why:
        record.miss(BENCH, "start", PEER, why)
        return
    try:
        replica_image.make(engine, plan.folder, ("v1", "v2"))
        for turn in range(1, plan.rounds + 1):
            for each in TURNS:
                if plan.case in f"{each.case} {each.where}":
                    _one(plan, record, engine, each, turn)
    finally:
        engine.stop()


def _one(plan: Plan, record: Record, engine: Dockerd, turn: Turn, number: int) -> None:
    try:
        with plainly(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            record.add(BENCH, turn.case, turn.where, number, **runner.run(_through(plan, engine, turn)))
    except (Absent, TimeoutError) as why:
        record.miss(BENCH, turn.case, turn.where, str(why) or "took too long")


async def _through(plan: Plan, engine: Dockerd, turn: Turn) -> dict[str, float]:
    """There, and back again."""
    way = Tidegate("back", *QUICK, *turn.options)
    async with standing(plan, engine, way, turn.replicas) as (_, port):
        crowd = Crowd(port, HOST, rate=turn.rate, socket_seconds=SOCKET_SECONDS, patience=PATIENCE_SECONDS)
        async with crowd:
            await asyncio.sleep(BEFORE_SECONDS)
            way.said = await way.deploy({}, "--no-wait")
            await _until(way, turn.there)
            await asyncio.sleep(turn.linger_seconds)
            steps = await way.steps()
            for verb in turn.verbs:
                back = time.monotonic()
                _, way.said = await way.say(verb, SERVICE, "--wait", "--why", "bench")
            await asyncio.sleep(AFTER_SECONDS)
            ended = time.monotonic()
    tell(way, crowd.faults())
    last = [each.who for each in crowd.answers if each.due >= ended - LAST_SECONDS and each.who]
    new = [each.ended for each in crowd.answers if each.who.startswith("v2")]
    found = crowd.figures([*steps, Step(back, None)])
    found |= {"back_seconds": max(0.0, max(new, default=back) - back)}
    return found | ({"v1_at_end": 100 - share_of(last)} if last else {})


async def _until(way: Tidegate, there: Callable[[dict[str, object]], bool]) -> None:
    """Raises Absent where it never comes there."""
    deadline = time.monotonic() + REACH_SECONDS
    while not (told := await way.told()) or not there(told):
        if time.monotonic() > deadline or told.get("state") in ("complete", "rolled-back", "failed"):
            raise Absent(f"not reached: {told.get('summary', 'no release')}")
        await asyncio.sleep(POLL_SECONDS)
