from __future__ import annotations

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers

GOING = {f"DELETE {PATH}": {"name": "shop", "replicas": 3, "volumes": []}}


def test_a_stack_goes_with_its_volumes_only_where_that_is_said():
    for flags, volumes, named in (((), False, ""), (("--volumes",), True, " and shop_data")):
        with FakeAdmin(answers(**GOING)) as fake:
            done = piped("down", "shop", "--no-wait", *flags, TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, f"stack shop with 3 replicas{named} goes\n")
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


def test_what_goes_with_it_is_named_and_one_that_is_put_up_again_is_not_waited_for():
    with FakeAdmin(answers(**GOING)) as fake:
        going = piped("down", "shop", "--volumes", "--dry-run", TIDEGATE_ADMIN=fake.address)
        crossed = piped("down", "shop", TIDEGATE_ADMIN=fake.address)
    assert going.out == "stack shop with 3 replicas and shop_data would go\n"
    assert (crossed.code, "T2106" in crossed.err, "uid 0 puts it up meanwhile" in crossed.err) == (6, True, True)
