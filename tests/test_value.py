from __future__ import annotations

import pytest

from tidegate.value import Value


class Point(Value, frozen=True):
    x: int = 0


def test_values_compare_by_content_and_never_change():
    point = Point(x=1)
    with pytest.raises(AttributeError):
        point.x = 2
    assert point == Point(x=1)
