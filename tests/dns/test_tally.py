from __future__ import annotations

import pytest

from tidegate.dns import wire
from tidegate.dns.tally import LANES, SECONDS, SIZES, Durations, Meter, Sizes, Tallies


def test_replies_are_counted_by_lane():
    tally = Tallies().of(wire.A, wire.NOERROR)
    for lane, times in ((0, 1), (1, 2), (2, 3), (3, 4)):
        for _ in range(times):
            tally.add(lane)
    assert dict(zip(LANES, tally.lanes(), strict=True)) == {
        ("udp", "1"): 1, ("udp", "2"): 2, ("tcp", "1"): 3, ("tcp", "2"): 4
    }  # fmt: skip
    assert tally.count == 10


def test_kinds_are_bounded_whatever_is_asked():
    tallies = Tallies()
    for qtype in range(65536):
        tallies.of(qtype, wire.NOERROR).add(0)
    kinds = {tally.kind: tally.count for tally in tallies.all()}
    assert set(kinds) == {*wire.TYPES, "other"}
    assert kinds["other"] == 65536 - len(wire.TYPES)


@pytest.mark.parametrize("bound", SIZES)
def test_a_size_at_a_bound_is_below_it(bound):
    sizes = Sizes()
    sizes.add(bound)
    sizes.add(bound + 1)
    place = SIZES.index(bound)
    assert sizes.counts()[place] == sizes.counts()[place + 1] == 1
    assert sizes.total == 2 * bound + 1


def test_a_meter_counts_both_ways_and_who_wants_signatures():
    meter = Meter()
    meter.add(40, 100, True)
    meter.add(40, 5000, False)
    assert (meter.queries.total, meter.replies.total, meter.do) == (80, 5100, 1)
    assert meter.replies.counts()[-1] == 1


def test_times_fall_into_buckets_many_at_once():
    durations = Durations()
    durations.add(0.00025, 64)
    durations.add(100.0)
    assert durations.counts[SECONDS.index(0.00025)] == 64
    assert durations.counts[-1] == 1
    assert durations.total == pytest.approx(64 * 0.00025 + 100)
