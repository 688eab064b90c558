"""Strategies as steps, and what is usual for each. Numbers: as Nomad (healthy for 10 s), Argo Rollouts and Flagger (shares, 60 s).

Blue-green: all of the new beside all of the old, without traffic; then all of it at once, watched; then a person confirms.
Canary: share by share, replicas in step with it; all of the old stay until the end. Rolling: by slots, the new one first; the
old ones leave as the new ones take over; watched after each batch and at the end. Replace: the old leave first, and requests wait if nobody is left.
"""

from __future__ import annotations

from itertools import pairwise

from tidegate.errors import ConfigError, Problem
from tidegate.model import ReleasePolicy
from tidegate.policy import Match
from tidegate.release.gates import DEFAULT_GATES, Gate
from tidegate.release.spec import Change, OnFailure, OnUnsure, Retire, Side, Slot, Spec, Step, Strategy
from tidegate.value import Value

SHARES = (5, 10, 25, 50, 100)
HOLD_SECONDS = 60.0
MONITOR_SECONDS = 30.0
BATCH_SECONDS = (
    10.0  # after each batch of a rolling release, at most; as long as a replica proves itself without requests
)
DRAIN_SECONDS = 30.0
HELD_DRAIN_SECONDS = 3.0  # of the 10 that a request waits by itself; stopping and starting need the rest
RETAIN_SECONDS = {Strategy.BLUE_GREEN: 300.0, Strategy.CANARY: 300.0, Strategy.ROLLING: 0.0, Strategy.REPLACE: 0.0}


class Options(Value):
    """What may be said of a release; None, 0 and empty where the strategy's own is wanted.

    `shares` are the canary's, in percent, rising; 100 is added. `hold_seconds` how long each step is watched. `confirm`: a
    person says the last word (blue-green: yes, others: no). `drain_seconds`: 30, where requests are held meanwhile 3. `parallelism`: slots at a time (rolling: 1, replace: all).
    `retire` and `discard`: what becomes of the old side after success and of the new one after a rollback. Others as in `Spec`.
    """

    strategy: Strategy = Strategy.ROLLING
    shares: tuple[int, ...] = ()
    hold_seconds: float | None = None
    confirm: bool | None = None
    parallelism: int = 0
    manual: bool = False
    retire: Retire | None = None
    discard: Retire | None = None
    retain_seconds: float | None = None
    on_failure: OnFailure = OnFailure.ROLLBACK
    on_unsure: OnUnsure | None = None
    gates: tuple[Gate, ...] = DEFAULT_GATES
    previews: tuple[Match, ...] = ()
    min_healthy_seconds: float = 10.0
    ready_seconds: float = 300.0
    drain_seconds: float | None = None
    stop_seconds: float | None = None


def labelled(policy: ReleasePolicy, gates: tuple[Gate, ...]) -> Options:
    """What the containers of a version say of its release; a canary, where they leave it open."""
    return Options(
        strategy=Strategy(policy.strategy) if policy.strategy else Strategy.CANARY,
        shares=policy.shares,
        hold_seconds=policy.hold_seconds,
        confirm=policy.confirm,
        parallelism=policy.parallelism,
        retire=Retire(policy.retire) if policy.retire else None,
        previews=policy.previews,
        gates=gates,
    )


def asked(
    options: Options,
    stable: Side,
    candidate: Side,
    *,
    stables: int,
    replicas: int,
    targets: tuple[str, ...] = (),
    slots: tuple[Slot, ...] = (),
    prefix: str = "",
    change: Change | None = None,
) -> Spec:
    """The spec of a release. With `slots` its containers are ours to make, and the old ones to remove, unless said otherwise.

    Raises ConfigError (T2007) for steps that lead nowhere.
    """
    own = Retire.REMOVE if slots else Retire.KEEP
    retire = options.retire or own
    if options.strategy is Strategy.REPLACE and retire is Retire.KEEP:
        retire = Retire.STOP  # they have to stop, or there was no need to replace them
    retain = options.retain_seconds
    planned = steps(options, stables, replicas, keeps=retire is Retire.KEEP)
    watched = options.strategy in (Strategy.CANARY, Strategy.BLUE_GREEN)
    return Spec(
        service=stable.service,
        strategy=options.strategy,
        stable=stable,
        candidate=candidate,
        targets=targets or (stable.service,),
        steps=planned,
        stables=stables,
        replicas=replicas,
        slots=slots,
        prefix=prefix,
        change=change or Change(),
        retire=retire,
        discard=options.discard or own,
        on_failure=options.on_failure,
        on_unsure=options.on_unsure or (OnUnsure.WAIT if watched else OnUnsure.PASS),
        manual=options.manual,
        gates=options.gates,
        previews=options.previews,
        min_healthy_seconds=options.min_healthy_seconds,
        ready_seconds=options.ready_seconds,
        drain_seconds=_drain(options, planned),
        stop_seconds=options.stop_seconds,
        retain_seconds=RETAIN_SECONDS[options.strategy] if retain is None else retain,
    )


def steps(options: Options, stables: int, replicas: int, *, keeps: bool = False) -> tuple[Step, ...]:
    """The steps from `stables` replicas of the old side to `replicas` of the new one; `keeps`: the old ones are not ours to stop."""
    if replicas < 1 or stables < 1:
        raise _nowhere(f"from {stables} replicas to {replicas}", "both sides need at least one replica")
    if options.manual:
        return (Step(candidates=replicas, share=0, stables=stables, confirm=True),)
    if options.strategy is Strategy.CANARY:
        return _canary(options, stables, replicas)
    if options.strategy is Strategy.ROLLING:
        return _rolling(options, stables, replicas, keeps)
    if options.strategy is Strategy.REPLACE:
        return _replace(options, stables, replicas)
    return _blue_green(options, stables, replicas)


def _blue_green(options: Options, stables: int, replicas: int) -> tuple[Step, ...]:
    confirm = options.confirm is not False
    return (
        Step(candidates=replicas, share=0, stables=stables),
        Step(candidates=replicas, share=100, stables=stables, hold_seconds=_hold(options), confirm=confirm),
    )


def _canary(options: Options, stables: int, replicas: int) -> tuple[Step, ...]:
    shares = options.shares or SHARES
    if not all(0 < share <= 100 for share in shares) or any(b <= a for a, b in pairwise(shares)):
        raise _nowhere(f"by shares {', '.join(map(str, shares))}", "shares are percents that rise, 1 to 100")
    shares = shares if shares[-1] == 100 else (*shares, 100)
    return tuple(
        Step(
            candidates=min(replicas, -(-share * max(stables, replicas) // 100)),
            share=share,
            stables=stables,
            hold_seconds=_hold(options),
            confirm=bool(options.confirm) and share == 100,
        )
        for share in shares
    )


def _rolling(options: Options, stables: int, replicas: int, keeps: bool) -> tuple[Step, ...]:
    """Each batch is watched before old ones leave for it; the last step only watches. Old replicas leave in proportion, so that no more than `parallelism` are extra."""
    counts = _batches(replicas, options.parallelism or 1)
    left = [stables if keeps else stables - stables * count // replicas for count in counts]
    rolled = [
        Step(
            candidates=count,
            share=_carried(count, stables, replicas),
            stables=remain,
            hold_seconds=_batch_hold(options),
            brief=True,
        )
        for count, remain in zip(counts, left, strict=True)
    ]
    return (*rolled, _watch(options, replicas, left[-1]))


def _replace(options: Options, stables: int, replicas: int) -> tuple[Step, ...]:
    counts = _batches(replicas, options.parallelism or replicas)
    replaced = [
        Step(
            candidates=count,
            share=_carried(count, stables, replicas),
            stables=stables - -(-stables * count // replicas),
            hold_seconds=_batch_hold(options) if count < replicas else 0.0,  # the last one is watched by the next step
            brief=count < replicas,
            stop_first=True,
        )
        for count in counts
    ]
    return (*replaced, _watch(options, replicas, 0))


def _batches(replicas: int, parallelism: int) -> list[int]:
    """How many new replicas there are after each batch."""
    return [*range(parallelism, replicas, parallelism), replicas]


def _carried(count: int, stables: int, replicas: int) -> int:
    """The percent that `count` new replicas can carry of what `stables` old ones did; all of it when none more is to come."""
    return 100 if count >= replicas else max(1, 100 * count // max(stables, replicas))


def _watch(options: Options, replicas: int, stables: int) -> Step:
    hold = MONITOR_SECONDS if options.hold_seconds is None else options.hold_seconds
    return Step(candidates=replicas, share=100, stables=stables, hold_seconds=hold, confirm=bool(options.confirm))


def _batch_hold(options: Options) -> float:
    return BATCH_SECONDS if options.hold_seconds is None else min(BATCH_SECONDS, options.hold_seconds)


def _hold(options: Options) -> float:
    return HOLD_SECONDS if options.hold_seconds is None else options.hold_seconds


def _drain(options: Options, planned: tuple[Step, ...]) -> float:
    """Little where nobody else serves: requests wait meanwhile, also for a WebSocket that is in no hurry."""
    if options.drain_seconds is not None:
        return options.drain_seconds
    return HELD_DRAIN_SECONDS if planned[0].stop_first and not planned[0].stables else DRAIN_SECONDS


def _nowhere(what: str, cause: str) -> ConfigError:
    return ConfigError(
        Problem(code="T2007", text=f"a release {what} is not possible", cause=cause, kept="nothing was changed")
    )
