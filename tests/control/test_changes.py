from tests.support.seen import healthy, instance, inventory
from tidegate.building import BuildOptions, build
from tidegate.control.changes import since, told
from tidegate.model import Overrides, TrafficMode

NOW = BuildOptions(linger_seconds=0.0)
NONE = Overrides()
C1 = instance("c1", version="v1", routes=["a.test/"])
C2 = instance("c2", version="v2", routes=["a.test/"], weight=0)


def make(*instances, previous=None, overrides=NONE, health=()):
    return build(previous, {"docker": inventory(*instances)}, healthy(*health), overrides, NOW, changed_health=health)


def words(old, new):
    return [text for _kind, text in told(old, new)]


def test_what_appears_changes_and_goes_is_told():
    nothing = make()
    first = make(C1, previous=nothing)
    assert words(nothing, first) == [
        "web c1:80 appeared, starting: not checked yet", "a.test/ appeared: web v1 100"
    ]  # fmt: skip
    second = make(C1, previous=first, health=["c1:80"])
    assert words(first, second) == ["web c1:80 is healthy, was starting"]
    third = make(previous=second)
    assert words(second, third) == ["a.test/ is gone"] or "web c1:80 is gone" in words(second, third)


def test_weights_and_modes_are_told():
    first = make(C1, C2)
    second = make(C1, C2, previous=first, overrides=Overrides(weights={"web": {"v1": 5, "v2": 5}}))
    assert words(first, second) == ["a.test/ goes to web v1 5, web v2 5, was web v1 100, web v2 0"]
    hold = Overrides(modes={"web": TrafficMode.HOLD})
    third = make(C1, C2, previous=first, overrides=hold)
    assert words(first, third) == ["a.test/ is on hold"]
    assert words(third, make(C1, C2, previous=third)) == ["a.test/ forwards again"]


def test_problems_are_told_when_they_come_and_when_they_go():
    rival = instance("rival", "api", project="b", routes=["a.test/"], created_at=9.0)
    first, second = make(C1), make(C1, rival)
    assert [kind for kind, _ in told(first, make(C1, rival, previous=first))][-1] == "problem"
    assert [kind for kind, _ in told(second, make(C1, previous=second))][-1] == "mended"


def test_a_new_owner_is_told():
    rival = instance("rival", "api", project="b", routes=["a.test/"], created_at=9.0)
    first = make(C1, rival)
    assert "a.test/ is now held by b" in words(first, make(rival, previous=first))


def test_a_difference_may_span_several_builds():
    first = make(C1)
    second = make(C1, C2, previous=first)
    third = make(C1, C2, previous=second, health=["c1:80"])
    assert words(first, since(first, third)) == [
        "web c1:80 is healthy, was starting",
        "web c2:80 appeared, starting: not checked yet",
        "a.test/ goes to web v1 100, web v2 0, was web v1 100",
    ]
