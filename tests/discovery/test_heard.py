from tidegate.discovery.heard import OVERLAP_NS, REMEMBERED_EVENTS, Heard
from tidegate.engine.port import EngineEvent


def event(time_ns, action="start", container="c1"):
    return EngineEvent(kind="container", action=action, id=container, time_ns=time_ns)


def test_an_event_that_a_new_stream_repeats_is_known():
    heard = Heard()
    assert not heard.is_repeated(event(1))
    assert heard.is_repeated(event(1))
    assert not heard.is_repeated(event(1, "die"))
    assert not heard.is_repeated(event(1, container="c2"))


def test_a_stream_begins_a_little_before_the_last_event_that_was_heard():
    heard = Heard()
    assert not heard.any
    assert heard.since(5 * OVERLAP_NS) == 4 * OVERLAP_NS
    heard.is_repeated(event(9 * OVERLAP_NS))
    heard.is_repeated(event(7 * OVERLAP_NS))  # late
    assert heard.any
    assert heard.since() == 8 * OVERLAP_NS


def test_no_more_are_remembered_than_a_stream_repeats():
    heard = Heard()
    for number in range(REMEMBERED_EVENTS + 1):
        heard.is_repeated(event(number))
    assert heard.is_repeated(event(REMEMBERED_EVENTS))
    assert not heard.is_repeated(event(0))
