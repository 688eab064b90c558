from __future__ import annotations

import msgspec
import pytest

from tidegate.store.gateway import KeyValue
from tidegate.store.ground import HEARTBEAT, Epoch, Ground, epoch_key, ground_of, is_entry, session_key


def test_keys_lie_below_the_root_that_the_epoch_names():
    ground = Ground(prefix=b"/mesh", epoch=Epoch(number=2, root="2-ab"))
    assert ground.key("overrides/a") == b"/mesh/data/2-ab/overrides/a"
    assert ground.name(b"/mesh/data/2-ab/overrides/a") == "overrides/a"


def test_without_an_epoch_it_is_the_first_root():
    assert ground_of(b"/mesh", None) == Ground(prefix=b"/mesh")
    assert ground_of(b"/mesh", None).data == b"/mesh/data/0/"


def test_an_epoch_is_read_with_the_revision_it_was_written_at():
    epoch = Epoch(number=3, root="3-x", source="here", when=1.5)
    found = ground_of(b"/m", KeyValue(key=b"/m/epoch", value=msgspec.json.encode(epoch), mod_revision=9))
    assert found == Ground(prefix=b"/m", epoch=epoch, revision=9)


@pytest.mark.parametrize("value", [b"", b"3", b'{"number":"x"}'])
def test_an_epoch_of_another_kind_is_an_error(value):
    with pytest.raises(ValueError):  # noqa: PT011  msgspec's words
        ground_of(b"/m", KeyValue(key=b"/m/epoch", value=value))


def test_a_heartbeat_is_no_entry_and_nothing_else_is_among_the_entries():
    ground = Ground(prefix=b"/m")
    assert not is_entry(ground.key("overrides/") + HEARTBEAT)
    assert is_entry(ground.key("overrides/a"))
    assert not epoch_key(b"/m").startswith(ground.data)
    assert not session_key(b"/m", "x").startswith(ground.data)
