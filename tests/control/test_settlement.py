import json

from msgspec.structs import replace

from tests.support.releases import WEB, release
from tests.support.seen import instance, inventory
from tidegate.control.overrides import store_key
from tidegate.control.settlement import settled
from tidegate.release.record import State


def left(state, **weights):
    found = [
        instance(version, "web", project="shop", version=version, weight=weight) for version, weight in weights.items()
    ]
    return settled(replace(release(), state=state), {"docker": inventory(*found)}, 5.0)


def test_a_winner_whose_labels_give_it_no_weight_is_given_one():
    (put,) = left(State.COMPLETE, v2=0)
    assert put.key == store_key("weights", WEB)
    assert json.loads(put.value)["value"] == {"v2": 100}
    assert json.loads(left(State.ROLLED_BACK, v1=0)[0].value)["value"] == {"v1": 100}


def test_where_labels_do_nothing_is_set():
    assert left(State.COMPLETE, v1=0, v2=100) == ()
    assert left(State.COMPLETE, v1=0) == ()
