import json

from tests.support.asking_gates import asking
from tidegate.release.samples import Counts


def test_a_hook_is_told_who_is_released_and_what_both_sides_did():
    asked = asking(
        new=Counts(requests=100, failures=2, refusals=3, answered_us=2_000_000, buckets=(0, 100)),
        old=Counts(requests=900),
    )
    assert json.loads(json.dumps(asked.document())) == {
        "release": "shop/web/12",
        "service": "shop/web",
        "step": 2,
        "share": 10.0,
        "seconds": 61.25,
        "candidate": {"version": "v2", "requests": 100, "failures": 2, "refusals": 3, "mean_seconds": 0.02},
        "stable": {"version": "v1", "requests": 900, "failures": 0, "refusals": 0, "mean_seconds": 0.0},
    }
