from __future__ import annotations

from tidegate.dns.failures import FAILURE_SECONDS, MAX_FAILURE_SECONDS, MAX_FAILURES, Failures


def test_what_failed_is_held_for_a_while():
    failures = Failures()
    failures.add(b"q", None, 100.0)
    assert failures.holds(b"q", 100.0 + FAILURE_SECONDS - 0.01)
    assert not failures.holds(b"q", 100.0 + FAILURE_SECONDS)
    assert not failures.holds(b"other", 100.0)


def test_what_fails_again_and_again_is_held_longer_up_to_a_bound():
    failures = Failures()
    now = 100.0
    times = []
    for _ in range(10):
        failures.add(b"q", None, now)
        start = now
        while failures.holds(b"q", now):
            now += 0.5
        times.append(now - start)
    assert times[:3] == [1.0, 2.0, 4.0]
    assert times[-1] == MAX_FAILURE_SECONDS


def test_a_failure_long_after_the_last_is_a_first_one():
    failures = Failures()
    for now in (100.0, 1000.0):
        failures.add(b"q", None, now)
        assert not failures.holds(b"q", now + FAILURE_SECONDS)


def test_an_answer_ends_it():
    failures = Failures()
    failures.add(b"q", None, 100.0)
    failures.forget(b"q")
    assert not failures.holds(b"q", 100.0)


def test_failures_are_bounded():
    failures = Failures()
    for number in range(MAX_FAILURES + 10):
        failures.add(number.to_bytes(4, "big"), None, 100.0)
    assert len(failures) == MAX_FAILURES
    assert not failures.holds(b"\0\0\0\0", 100.0)
