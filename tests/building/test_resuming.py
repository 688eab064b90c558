from tests.support.built import make
from tests.support.seen import instance
from tidegate.building import resumed


def test_a_remembered_table_goes_on_until_it_is_seen_again_and_keeps_its_owners():
    first = make(
        instance("a1", project="a", routes=["a.test/"], created_at=9.0), instance("g", "gone", routes=["g.test/"])
    )
    again = resumed(first.table, now=100.0)
    a = instance("a1", project="a", routes=["a.test/"], created_at=9.0)
    b = instance("b1", project="b", routes=["a.test/"], created_at=1.0)
    second = make(a, b, previous=again, now=101.0)
    assert second.table.routes["a.test/"].owner == "a"
    assert "g.test/" in second.table.routes
    assert "g" not in second.table.names
    assert second.table.version > first.table.version
    third = make(a, b, previous=second, now=131.0)
    assert "g.test/" not in third.table.routes
    assert "gone" not in third.table.services
