"""What others hear of a release: the journal and its followers, web hooks, metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tidegate.control.journal import Journal
from tidegate.control.ports import TellPort
from tidegate.control.webhooks import Notice
from tidegate.release.record import Moment, Release
from tidegate.telemetry import Metrics


def tell(journal: Journal, others: TellPort, metrics: Metrics, before: Release | None, after: Release) -> None:
    """Tell what is new in the history of `after`."""
    known = before.history if before is not None else ()
    for moment in after.history:
        if moment not in known:
            said = f"{after}: {moment.what}"
            journal.tell("release", said, who=moment.who, why=moment.why)
            others.tell(_notice(after, moment))
    if after.finished and (before is None or not before.finished):
        metrics.count("tidegate_release_ended_total", strategy=after.spec.strategy.value, outcome=after.state.value)


def measure(metrics: Metrics, records: Iterable[Release]) -> None:
    """How many releases there are of those that have not ended, by what they do."""
    open_ = [each for each in records if not each.finished]
    states = Counter("paused" if each.paused is not None else "waiting" if _waits(each) else "moving" for each in open_)
    for state in ("moving", "waiting", "paused"):
        metrics.gauge("tidegate_release_open", states[state], state=state)


def _waits(release: Release) -> bool:
    return release.state.value == "awaiting-confirm"


def _notice(release: Release, moment: Moment) -> Notice:
    spec = release.spec
    return Notice(
        identity=f"release-{spec.service.replace('/', '-')}-{release.number}-{int(moment.when * 1000)}-{moment.what[:40]}",
        at=moment.when,
        kind=f"release.{release.state.value}",
        data={
            "service": spec.service,
            "number": release.number,
            "strategy": spec.strategy.value,
            "stable": spec.stable.called,
            "candidate": spec.candidate.called,
            "state": release.state.value,
            "step": release.step + 1,
            "steps": len(spec.steps),
            "share": round(100 * release.share, 2),
            "paused": release.paused.text if release.paused is not None else "",
            "what": moment.what,
            "why": moment.why,
            "who": moment.who,
        },
    )
