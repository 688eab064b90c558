"""The table of the store's measurements; the measurements themselves are the program's."""

from bench.store import table


def test_a_case_that_a_store_does_not_have_stays_empty():
    made = table({"etcd": {"put, ms": 1.23456, "death, ms": 2300.0}, "SQLite": {"put, ms": 0.5}})
    assert made.splitlines() == [
        "| | etcd | SQLite |",
        "|---|---|---|",
        "| put, ms | 1.235 | 0.5 |",
        "| death, ms | 2,300 |  |",
    ]
