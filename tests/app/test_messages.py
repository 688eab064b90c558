from __future__ import annotations

import msgspec
import pytest

from tests.support.channel import EMPTY, step
from tidegate.app.messages import (
    Applied,
    Columns,
    Drained,
    Failed,
    Hello,
    Report,
    Sample,
    Snapshot,
    Spread,
    Tally,
    change,
    delta_of,
    frame,
    from_control,
    from_worker,
)


@pytest.mark.parametrize(
    "message",
    [
        Hello(slot=1, pid=2, version=3),
        Applied(version=4),
        Failed(endpoint="e:80", reason="connect-failed"),
        Drained(endpoint="e:80"),
        Report(
            counters=(Sample("n", (("a", "b"),), 1.5),),
            counted=(Tally("route", ("a.test/",), b"\1"),),
            failures=(Columns("route", ("a.test/", "no-route"), (1,)),),
            spreads=(Spread("h", (("a", "b"),), (0.5, 1.0), (1, 0, 2), 7.5),),
        ),
    ],
)
def test_what_a_worker_says_arrives_as_it_was_said(message):
    data = frame(message)
    assert int.from_bytes(data[:4]) == len(data) - 4
    assert from_worker(data[4:]) == message


def test_a_difference_is_encoded_once_and_arrives_as_it_was():
    _, delta = step(EMPTY, a=1, b=None)
    assert delta_of(from_control(frame(change(delta))[4:])) == delta
    assert from_control(frame(Snapshot(table=b"x"))[4:]) == Snapshot(table=b"x")


def test_a_worker_cannot_send_what_is_controls_to_say():
    with pytest.raises(msgspec.ValidationError):
        from_worker(frame(Snapshot(table=b""))[4:])
