import pytest

from tests.support.collector import span


def test_a_span_is_a_value_that_nobody_changes():
    one = span()
    assert one == span()
    with pytest.raises(AttributeError):
        one.name = "other"
