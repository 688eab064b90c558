from __future__ import annotations

import json

from tests.support.cli import FakeAdmin, piped
from tests.support.stacked import PATH, answers

LINES = [
    {"replica": "1.1", "stream": "stdout", "at": 1.0, "text": "hello"},
    {"replica": "2.3", "stream": "stderr", "at": 2.0, "text": "world"},
]
SPOKEN = {f"GET {PATH}/services/web/logs": "\n\n".join(map(json.dumps, LINES)) + "\n"}


def test_each_line_stands_after_its_replica():
    with FakeAdmin(answers(**SPOKEN)) as fake:
        done = piped("logs", "web", "--tail", "7", TIDEGATE_ADMIN=fake.address)
        assert (done.code, done.out) == (0, "web-1 | hello\nweb-2-g3 | world\n")
        assert fake.asked[-1].query == {"tail": "7", "follow": "false"}


def test_json_is_one_object_and_one_a_line_where_it_goes_on():
    with FakeAdmin(answers(**SPOKEN)) as fake:
        assert piped("logs", "web", "--json", TIDEGATE_ADMIN=fake.address).json["data"]["lines"] == LINES
        on = piped("logs", "shop/web", "-f", "--json", TIDEGATE_ADMIN=fake.address)
    assert [json.loads(each) for each in on.out.splitlines()] == LINES
