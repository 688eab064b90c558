from __future__ import annotations

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers

GOING = {f"DELETE {PATH}": {"name": "shop", "replicas": 3, "volumes": []}}


def test_a_stack_goes_with_its_volumes_only_where_that_is_said():
    for flags, volumes in (((), False), (("--volumes",), True)):
        with FakeAdmin(answers(**GOING)) as fake:
            done = piped("down", "shop", "--no-wait", *flags, TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, "stack shop with 3 replicas goes\n")
        assert fake.changes[0].body == {"volumes": volumes, "why": ""}


def test_a_dry_run_changes_nothing():
    with FakeAdmin(answers(**GOING)) as fake:
        done = piped("down", "shop", "--volumes", "--dry-run", "--json", TIDEGATE_ADMIN=fake.address)
    assert done.json["data"] == {"name": "shop", "replicas": 3, "volumes": ["shop_data"], "dry_run": True}
    assert not fake.changes


def test_one_that_does_not_go_in_time_is_told_and_one_that_there_is_not_is_refused():
    with FakeAdmin(answers("leaving", **GOING)) as fake:
        late = piped("down", "shop", "--deadline", "500ms", TIDEGATE_ADMIN=fake.address)
        unknown = piped("down", "shopp", TIDEGATE_ADMIN=fake.address)
    assert (late.code, "T2111" in late.err) == (7, True)
    assert (unknown.code, "did you mean shop?" in unknown.err) == (4, True)
