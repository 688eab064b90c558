from hypothesis import given
from hypothesis import strategies as st

from tidegate.elasticity import Metric
from tidegate.scaling.record import Advice, Decision, Period, Record, Streak
from tidegate.scaling.stored import read, written

NUMBERS = st.floats(0, 1e9)
METRICS = st.sampled_from(list(Metric))
DECISIONS = st.builds(
    Decision, when=NUMBERS, current=st.integers(0, 9), wanted=st.integers(0, 9), why=st.text(max_size=9)
)
RECORDS = st.builds(
    Record,
    seen_at=NUMBERS,
    busy_at=NUMBERS,
    period=st.none() | st.builds(Period, began=NUMBERS, sums=st.dictionaries(METRICS, NUMBERS, max_size=2)),
    streaks=st.dictionaries(METRICS, st.builds(Streak, above=st.integers(0, 9), mean=NUMBERS), max_size=2),
    advice=st.lists(st.builds(Advice, since=NUMBERS, wanted=st.integers(0, 9)), max_size=3).map(tuple),
    changes=st.lists(DECISIONS, max_size=3).map(tuple),
    decision=st.none() | DECISIONS,
)


@given(RECORDS)
def test_a_record_is_read_as_it_was_written(record):
    assert read(written(record)) == record


def test_what_is_not_understood_is_begun_anew():
    assert read(b"{") == Record()
    assert read(b'{"streaks": {"weather": {}}}') == Record()
    assert read(b'{"later": 1, "busy_at": 4.0}') == Record(busy_at=4.0)
