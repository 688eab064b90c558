from tidegate.scaling.victims import Copy, victims


def names(number, *copies):
    return [each.name for each in victims(copies, number)]


def copy(name, **more):
    return Copy(id=name, name=name, **{"number": 1} | more)


def test_who_leaves_already_goes_first_then_who_is_not_ready():
    copies = (copy("a"), copy("b", ready=False), copy("c", leaving=True))
    assert names(3, *copies) == ["c", "b", "a"]


def test_of_the_ready_ones_those_with_lasting_connections_stay_then_the_idlest_leaves_then_the_youngest_then_the_highest():
    copies = (
        copy("held", in_flight=1, long_lived=1, created_at=99.0),
        copy("busy", in_flight=9, created_at=99.0),
        copy("old", in_flight=1, created_at=10.0),
        copy("young", in_flight=1, created_at=20.0, number=2),
        copy("twin", in_flight=1, created_at=20.0, number=3),
    )
    assert names(5, *copies) == ["twin", "young", "old", "busy", "held"]


def test_no_more_leave_than_asked_for():
    assert names(1, copy("a"), copy("b")) == ["a"]
    assert names(-1, copy("a")) == []
    assert names(5, copy("a")) == ["a"]
