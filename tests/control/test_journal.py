from tidegate.control.journal import KEPT_DELTAS, KEPT_HAPPENINGS, QUEUE, Journal
from tidegate.routing import Delta


def journal():
    return Journal(lambda: 12.5)


def test_happenings_are_numbered_dated_and_kept_in_order():
    made = journal()
    made.tell("route", "one")
    made.tell("route", "two", who="uid 0", why="because", version=3)
    assert [each.text for each in made.happenings()] == ["one", "two"]
    assert made.happenings(after=1)[0].who == "uid 0"
    assert made.happenings(limit=1)[0].text == "two"
    assert made.happenings()[0].at == 12.5


def test_only_the_newest_are_kept():
    made = journal()
    for number in range(KEPT_HAPPENINGS + 5):
        made.tell("route", str(number))
    assert len(made.happenings(limit=10**6)) == KEPT_HAPPENINGS
    assert made.happenings(limit=10**6)[0].text == "5"


def test_one_who_comes_back_gets_steps_and_happenings_in_order():
    made = journal()
    made.tell("route", "one")
    made.step(Delta(base=0, version=1))
    made.tell("route", "two")
    assert [each.id for each in made.since(1)] == [2, 3]
    assert list(made.since(3)) == []


def test_one_who_missed_too_much_or_is_of_another_life_must_start_again():
    made = journal()
    for version in range(KEPT_DELTAS + 10):
        made.step(Delta(base=version, version=version + 1))
    assert made.since(1) is None
    assert made.since(10**6) is None
    assert made.since(made.last_id - 1) is not None


def test_followers_hear_until_they_leave():
    made = journal()
    follower = made.follow()
    made.tell("route", "one")
    made.leave(follower)
    made.tell("route", "two")
    assert follower.queue.qsize() == 1


def test_a_follower_too_slow_is_cut_off_and_costs_no_more():
    made = journal()
    follower = made.follow()
    for _ in range(QUEUE + 10):
        made.tell("route", "again")
    assert follower.lost
    assert follower.queue.qsize() == QUEUE


def test_closing_tells_every_follower_also_a_full_one():
    made = journal()
    follower, full = made.follow(), made.follow()
    for _ in range(QUEUE + 1):
        full.offer(made.tell("route", "x"))
    made.close()
    while (entry := full.queue.get_nowait()) is not None:
        assert entry.text == "x"
    assert follower.lost or follower.queue.qsize()
