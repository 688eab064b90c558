from __future__ import annotations

import json

import pytest

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers, replica
from tidegate.cli.faults import UsageFault
from tidegate.cli.logs import shown, time_of

LINES = [
    {"node": "a", "service": "shop/web", "replica": "1.1", "stream": "stdout", "at": 1.0, "text": "hello"},
    {"node": "b", "service": "shop/web", "replica": "2.3", "stream": "stderr", "at": 2.5, "text": "world"},
]
LOST = {"node": "c", "problem": {"code": "T2307", "text": "c cannot be asked", "cause": "no answer"}}


def spoken(*rows, path="/services/web/logs"):
    return {f"GET {PATH}{path}": "\n\n".join(map(json.dumps, rows)) + "\n"}


def test_each_line_stands_after_its_replica():
    with FakeAdmin(answers(**spoken(*LINES))) as fake:
        done = piped("logs", "web", "--tail", "7", TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, "web-1 | hello\nweb-2-g3 | world\n")
        assert fake.asked[-1].query == {"tail": "7", "follow": "false"}


def test_nodes_are_told_where_there_are_several_and_one_that_says_nothing_is_named():
    there = answers("settled", replica("web-1", node="a"), replica("web-2", node="b"), **spoken(*LINES, LOST))
    with FakeAdmin(there) as fake:
        done = piped("logs", "web", "-t", TIDEGATE_ADMIN=fake.address)
    assert done.out == ("web-1@a | 1970-01-01T00:00:01.000Z hello\nweb-2-g3@b | 1970-01-01T00:00:02.500Z world\n")
    assert (done.code, "warning[T2307] c cannot be asked" in done.err) == (0, True)


def test_all_services_of_a_stack_are_read_by_its_name():
    with FakeAdmin(answers(**spoken(*LINES, path="/logs"))) as fake:
        done = piped("logs", "shop", "--since", "10m", TIDEGATE_ADMIN=fake.address)
        assert (done.code, len(done.out.splitlines())) == (0, 2)
        query = fake.asked[-1].query
    assert query["tail"] == "100000", "all since then"
    assert float(query["since"]) > 1e9


def test_json_is_one_object_and_one_a_line_where_it_goes_on():
    with FakeAdmin(answers(**spoken(*LINES, LOST))) as fake:
        told = piped("logs", "web", "--json", TIDEGATE_ADMIN=fake.address).json
        assert (told["data"]["lines"], [each["code"] for each in told["warnings"]]) == (LINES, ["T2307"])
        on = piped("logs", "shop/web", "-f", "--json", TIDEGATE_ADMIN=fake.address)
    assert [json.loads(each) for each in on.out.splitlines()] == [*LINES, LOST]


def test_times_are_read_as_they_are_shown():
    assert time_of("90s", 1000.0) == 910.0
    assert time_of("2026-11-23T09:30:00Z", 0.0) == time_of("2026-11-23T10:30:00+01:00", 0.0)
    assert time_of(shown(1_700_000_000.25), 0.0) == 1_700_000_000.25
    with pytest.raises(UsageFault, match="soon"):
        time_of("soon", 0.0)
