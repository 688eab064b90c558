"""What a node says of a place of its own: the only thing that others learn of how it goes there."""

from __future__ import annotations

from tidegate.placement.replica import IDLE, Carried, Place, Replica, State
from tidegate.value import Value


class Report(Value):
    """How a place stands. `state` and `ready_since` as in `placement.replica`; `why` is one sentence where it is not simply ready.

    `since` is when this state began. `gone`: it was to leave, and nothing of it is left. `void`: nothing of it is there and it cannot be
    made again, since what it was made from has changed. `placed` is the place's `since`: what was said of an earlier place of the same name
    says nothing of this one. `done`: it ended well, as it was meant to. `ends`: its container gets no new requests, and is made
    anew when it has none left. `container` is its id while it has one. `ended` counts how often in a row it ended or could not be made, and it is tried again at `again_at` (seconds since the epoch).
    """

    placed: float = 0.0
    state: State = State.PENDING
    why: str = ""
    since: float = 0.0
    ready_since: float = 0.0
    container: str = ""
    ended: int = 0
    again_at: float = 0.0
    gone: bool = False
    void: bool = False
    done: bool = False
    ends: bool = False

    @property
    def word(self) -> str:
        """The state as people are told it."""
        if self.done:
            return "done"
        return "gone" if self.gone else self.state.value


def said(place: Place, report: Report | None) -> Report:
    """What is reported of this very place; of one that nobody reported yet, nothing."""
    return report if report is not None and report.placed == place.since else Report(placed=place.since)


def replica(place: Place, report: Report, carried: Carried = IDLE) -> Replica:
    """A place beside its report, and what routers have with it."""
    return Replica(
        place=place,
        state=report.state,
        ready_since=report.since if report.done else report.ready_since,
        ended=report.ended,
        ended_at=report.since,
        done=report.done,
        gone=report.gone if place.leaving else report.void,
        carried=carried,
    )
