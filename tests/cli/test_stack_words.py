from tests.support.stacked import replica, told
from tidegate.cli import stack_words


def test_a_stack_and_its_replicas_in_a_few_words():
    assert stack_words.title(told()) == "stack shop: 3 of 3 replicas ready, settled"
    crashed = replica("web-1", "ended", "it ended with exit code 1", ended=3, current=False)
    assert stack_words.row(crashed) == (
        "shop-web-1",
        "ended (old)",
        "node-a",
        "c0ffeec0ffee",
        "it ended with exit code 1 (ended 3 times)",
    )


def test_what_is_missing_is_told_one_by_one_and_who_leaves_is_too():
    found = told(
        "moving", replica("web-1", "starting"), leftover=[replica("old-1", "leaving", "it is not wanted any more")]
    )
    assert stack_words.missing(found) == [
        "shop-web-1 is starting",
        "shop-old-1 is leaving, it is not wanted any more",
        "web: no node takes 1 of its replicas",
    ]
