from msgspec.structs import replace

from tests.support.stack_stage import member, stack


def test_a_stack_that_leaves_wants_none_of_its_members():
    found = stack(member(), member("db"))
    assert found.member("db").name == "db"
    assert found.member("cache") is None
    assert replace(found, leaving=True).member("db") is None
