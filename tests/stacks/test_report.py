from tidegate.placement.replica import Place, State
from tidegate.stacks.report import Report, replica, said

PLACE = Place(service="shop/web", slot=1, generation=1, revision="r", node="a", since=5.0)


def test_what_was_said_of_an_earlier_place_of_the_same_name_says_nothing():
    assert said(PLACE, Report(placed=5.0, state=State.READY)).state is State.READY
    assert said(PLACE, Report(placed=4.0, state=State.READY)).state is State.PENDING
    assert said(PLACE, None) == Report(placed=5.0)


def test_a_replica_is_a_place_beside_its_report():
    found = replica(PLACE, Report(state=State.READY, ready_since=9.0, ended=2))
    assert (found.ready, found.ready_since, found.ended, found.slot) == (True, 9.0, 2, 1)


def test_a_report_in_a_word():
    assert [each.word for each in (Report(), Report(done=True), Report(gone=True))] == ["pending", "done", "gone"]
