import pytest

from tidegate.discovery.endings import DIE_SECONDS, KILL_GRACE_SECONDS, Endings, is_deadly
from tidegate.model import InstanceState

RUNNING, DRAINING, STOPPED, PAUSED = (
    InstanceState.RUNNING,
    InstanceState.DRAINING,
    InstanceState.STOPPED,
    InstanceState.PAUSED,
)


def test_a_killed_life_drains_and_a_later_one_does_not():
    endings = Endings()
    endings.kill("a", 10_000_000_000, 0.0, 10.0)
    assert endings.correct("a", RUNNING, 9.0, 1.0) is DRAINING
    assert endings.correct("a", PAUSED, 9.0, 1.0) is DRAINING
    assert endings.correct("b", RUNNING, 9.0, 1.0) is RUNNING
    assert endings.correct("a", RUNNING, 11.0, 1.0) is RUNNING
    assert endings.expiry("a") is None


def test_a_dead_life_stays_dead_whatever_kill_comes_after_it():
    endings = Endings()
    endings.die("a", 10_000_000_000, 0.0)
    endings.kill("a", 9_000_000_000, 0.0, 10.0)
    assert endings.correct("a", RUNNING, 8.0, 1.0) is STOPPED


def test_a_death_follows_a_kill_in_any_order():
    endings = Endings()
    endings.kill("a", 10_000_000_000, 0.0, 10.0)
    endings.die("a", 9_900_000_000, 0.1)
    assert endings.correct("a", RUNNING, 8.0, 1.0) is STOPPED


def test_an_ending_expires():
    endings = Endings()
    endings.kill("a", 10_000_000_000, 0.0, 3.0)
    endings.die("b", 10_000_000_000, 0.0)
    assert endings.expiry("a") == 3.0 + KILL_GRACE_SECONDS
    assert endings.correct("a", RUNNING, 1.0, 3.0 + KILL_GRACE_SECONDS) is RUNNING
    assert endings.correct("b", RUNNING, 1.0, DIE_SECONDS) is RUNNING


def test_what_the_engine_calls_stopped_is_stopped():
    endings = Endings()
    endings.kill("a", 10_000_000_000, 0.0, 3.0)
    assert endings.correct("a", STOPPED, 1.0, 0.1) is STOPPED
    assert endings.expiry("a") is None


def test_a_forgotten_ending_is_gone():
    endings = Endings()
    endings.die("a", 10_000_000_000, 0.0)
    endings.forget("a")
    assert endings.correct("a", RUNNING, 1.0, 0.1) is RUNNING


@pytest.mark.parametrize(
    ("sent", "stop_signal", "deadly"),
    [
        ("15", "SIGTERM", True),
        ("SIGTERM", "", True),
        ("9", "SIGQUIT", True),
        ("KILL", "SIGQUIT", True),
        ("3", "SIGQUIT", True),
        ("quit", "3", True),
        ("37", "SIGRTMIN+3", True),
        ("SIGRTMIN+3", "37", True),
        ("1", "SIGTERM", False),
        ("SIGHUP", "", False),
        ("28", "SIGTERM", False),
        ("", "", False),
        ("nonsense", "nonsense", False),
        ("SIGRTMIN+x", "SIGTERM", False),
    ],
)
def test_only_the_stop_signal_term_and_kill_are_deadly(sent, stop_signal, deadly):
    assert is_deadly(sent, stop_signal) is deadly
