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


def test_what_changes_is_a_line_of_its_own_and_an_image_on_its_way_one_for_each_layer():
    fetch = {"node": "a", "image": "image:2", "said": "Pulling", "layers_done": 0, "layers": 0, "total_bytes": 0}
    found = told("moving", replica("web-1", "starting", "it is not ready yet")) | {"fetches": [fetch]}
    assert stack_words.standing(found) == {
        "shop/web-1": "shop-web-1: starting, it is not ready yet",
        "shop/db-1": "shop-db-1: ready",
        "image image:2": "image image:2 is fetched on a: Pulling",
    }
    found["fetches"] = [fetch | {"layers_done": 1, "layers": 3, "done_bytes": 5, "total_bytes": 31_400_000}]
    assert stack_words.standing(found)["image image:2"] == "image image:2 is fetched on a: 1 of 3 layers, 31.4 MB"


def test_a_stack_fails_where_some_end_again_and_again_or_have_no_node_and_nothing_else_is_on_its_way():
    crashing = replica("web-1", "ended", "it ended with exit code 1", ended=3)
    assert stack_words.fails(told("moving", crashing, replica("web-2")))
    waiting = replica("web-2", "pending", "it waits for db to run")
    assert stack_words.failing(told("moving", crashing, waiting)) == ["shop-web-1 is ended, it ended with exit code 1"]
    assert not stack_words.fails(told("moving", crashing, replica("web-2", "starting")))
    assert not stack_words.fails(told("moving", crashing) | {"fetches": [{}]})
    assert not stack_words.fails(told("moving", replica("web-1", "pending", ended=2)))
    short = told("moving", replica("web-1"))
    assert not stack_words.fails(short)
    short["members"][0]["refused"] = "no node has the label"
    assert stack_words.fails(short)
    assert stack_words.standing(short)["service web"] == "web: no node has the label"


def test_whose_line_it_is_is_told_in_few_words():
    row = {"service": "shop/web", "replica": "2.1", "node": "a"}
    assert stack_words.speaker(row, with_node=False) == "web-2"
    assert stack_words.speaker(row | {"replica": "2.3"}, with_node=True) == "web-2-g3@a"
