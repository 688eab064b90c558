import pytest

from tests.support.plane import running


async def test_the_parts_of_a_running_plane_never_change(tmp_path):
    async with running(tmp_path) as world:
        parts = world.plane.admin._parts
        assert parts.reconciler is world.reconciler
        with pytest.raises(AttributeError):
            parts.node = "other"
