from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.agenda import LONGEST_SECONDS, QUIET_SECONDS, Agenda


def test_an_addition_waits_for_a_quiet_while():
    agenda = Agenda()
    agenda.mark("a", 0.0)
    agenda.mark("a", 0.008)
    assert agenda.take(0.012) is None
    assert agenda.take(0.008 + QUIET_SECONDS) == "a"
    assert agenda.take(1.0) is None


def test_it_never_waits_longer_than_the_longest():
    agenda = Agenda()
    for step in range(100):
        agenda.mark("a", step * 0.005)
        if agenda.take(step * 0.005) == "a":
            assert step * 0.005 <= LONGEST_SECONDS + 0.005
            return
    raise AssertionError("its turn never came")


def test_a_removal_is_due_at_once_and_stays_so():
    agenda = Agenda()
    agenda.mark("a", 0.0)
    agenda.mark("a", 0.001, urgent=True)
    agenda.mark("a", 0.001)
    assert agenda.take(0.001) == "a"


def test_an_item_in_hand_is_not_given_out_again_until_it_is_done():
    agenda = Agenda()
    agenda.mark("a", 0.0, urgent=True)
    assert agenda.take(0.0) == "a"
    agenda.mark("a", 0.0, urgent=True)
    assert agenda.take(1.0) is None
    agenda.done("a")
    assert agenda.take(1.0) == "a"


def test_a_postponed_item_comes_late_unless_something_asks_for_it():
    agenda = Agenda()
    agenda.postpone("a", 15.0)
    agenda.postpone("b", 15.0)
    agenda.postpone("a", 20.0)
    agenda.mark("b", 1.0)
    assert agenda.next_due() <= 1.0 + QUIET_SECONDS
    assert agenda.take(1.0 + QUIET_SECONDS) == "b"
    assert agenda.take(14.9) is None
    assert agenda.take(15.0) == "a"


def test_a_forgotten_item_has_no_turn():
    agenda = Agenda()
    agenda.mark("a", 0.0)
    agenda.forget("a")
    assert agenda.take(1.0) is None
    assert agenda.next_due() is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["mark", "urgent", "take", "done", "later"]), st.sampled_from("abc"), st.floats(0, 0.2)),
    max_size=40,
)


@given(STEPS)
def test_every_mark_gets_its_turn_and_none_two_at_once(steps):
    agenda, now, running, marked = Agenda(), 0.0, set(), set()
    for what, item, pause in steps:
        now += pause
        if what in ("mark", "urgent"):
            agenda.mark(item, now, urgent=what == "urgent")
            marked.add(item)
        elif what == "later":
            agenda.postpone(item, now + 1.0)
            marked.add(item)
        elif what == "done" and item in running:
            agenda.done(item)
            running.discard(item)
        elif what == "take" and (taken := agenda.take(now)) is not None:
            assert taken not in running
            running.add(taken)
            marked.discard(taken)
    for item in running:
        agenda.done(item)
    left = set()
    while (taken := agenda.take(now + 10.0)) is not None:
        left.add(taken)
        agenda.done(taken)
    assert left == marked
