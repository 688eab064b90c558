from __future__ import annotations

import pytest

from tidegate.store import faults
from tidegate.store.address import parse
from tidegate.store.faults import Missed
from tidegate.store.gateway import Verdict

ADDRESS = parse("etcd://me:secret@a,b")


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (3, "authentication failed, invalid user ID or password", "T1523"),
        (3, "user name is empty", "T1523"),
        (16, "invalid auth token", "T1523"),
        (7, "permission denied", "T1524"),
        (8, "mvcc: database space exceeded", "T1525"),
        (3, "too many operations in txn request", "T1526"),
    ],
)
def test_a_refusal_has_the_code_of_what_to_do(code, text, expected):
    problem = faults.refused(ADDRESS, Missed(Verdict.REFUSED, text, "http://a:2379", code))
    assert problem.code == expected
    assert text in problem.cause
    assert problem.mend


def test_no_problem_tells_the_password():
    made = [
        faults.unreachable(ADDRESS, "x"),
        faults.unsure(ADDRESS, "x"),
        faults.unusable(ADDRESS, OSError(2, "x")),
        faults.restored(ADDRESS, 2, 1),
        faults.unread(ADDRESS, "x"),
    ]
    assert not [each for each in made if "secret" in str(each)]
