import pytest

from tidegate.control.loads import Host, Reading, busy, host, load
from tidegate.elasticity import Metric
from tidegate.engine.port import Stats


def reading(at, cpu, *, cpus=0.0, **more):
    return Reading(at=at + 100, stats=Stats(at=at, cpu_seconds=cpu, **({"memory_bytes": 50} | more)), cpus=cpus)


def test_rates_are_differences_over_the_engines_own_time():
    before = reading(10.0, 4.0, received_bytes=1000, block_read_bytes=10)
    used = load(
        before, reading(20.0, 9.0, received_bytes=6000, sent_bytes=100, block_read_bytes=10, memory_limit_bytes=200)
    )
    assert (used.cpu, used.cpu_percent) == (0.5, 50)
    assert (used.received, used.sent, used.block_read) == (500, 10, 0)
    assert (used.memory_bytes, used.memory_percent) == (50, 25)
    assert (used.since, used.until) == (110.0, 120.0)
    assert used.figures() == {Metric.CPU: 50, Metric.MEMORY: 25, Metric.RECEIVED: 500, Metric.SENT: 10}


def test_percent_are_of_the_limit_where_there_is_one():
    assert load(reading(10.0, 0.0), reading(20.0, 5.0, cpus=0.5)).cpu_percent == 100
    assert load(reading(10.0, 0.0), reading(20.0, 20.0)).cpu_percent == 200, "of one core, where there is none"


@pytest.mark.parametrize(
    "after", [reading(10.0, 5.0), reading(9.0, 5.0), reading(20.0, 1.0), reading(20.0, 5.0, received_bytes=-1)]
)
def test_counters_that_began_anew_say_nothing(after):
    assert load(reading(10.0, 4.0), after) is None


def test_what_did_not_run_says_nothing():
    assert load(reading(0.0, 0.0), reading(10.0, 1.0)) is None


def test_the_host_is_read_from_proc():
    stat = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    meminfo = "MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    400 kB\n"
    assert host(stat, meminfo, 100) == Host(
        busy_seconds=1.5, all_seconds=10.0, memory_bytes=1024000, available_bytes=409600
    )


def test_how_busy_a_host_was_is_known_from_two_readings_of_one_life():
    def at(busy_seconds, all_seconds):
        return Host(busy_seconds=busy_seconds, all_seconds=all_seconds, memory_bytes=1, available_bytes=1)

    assert busy(at(1.0, 10.0), at(4.0, 20.0)) == 0.3
    assert busy(None, at(4.0, 20.0)) is None
    assert busy(at(4.0, 20.0), at(1.0, 10.0)) is None
