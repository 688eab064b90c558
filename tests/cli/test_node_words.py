from __future__ import annotations

from tidegate.cli import node_words


def test_a_node_of_which_little_is_known_has_an_empty_row():
    assert node_words.row({"name": "a"}) == ("a", "", "", "", "", "", "", "", "", "")


def test_a_drained_node_says_since_when():
    assert (
        node_words.row({"name": "a", "leader": True, "drained_since": 60.0})[-1]
        == "leads, drained 1970-01-01T00:01:00Z"
    )
    assert node_words.since({"drained_since": 0.0}) == ""


def test_a_node_whose_clock_is_off_says_so():
    assert node_words.row({"name": "a", "leader": True, "clock_ahead": -12.5})[-1] == "leads, clock 12.5 s behind"
    assert (
        node_words.clock({"clock_ahead": 70.0}) == "clock 70 s ahead" and node_words.clock({"clock_ahead": 0.0}) == ""
    )


def test_what_is_reserved_stands_beside_what_there_is():
    room = {"cpus": 4.0, "memory": 8 << 30}
    assert node_words.reserved(room) == ("0/4", "0.0/8.0 GiB")
    assert node_words.reserved({**room, "reserved": {"cpus": 0.5, "memory": 1 << 29}}) == ("0.5/4", "0.5/8.0 GiB")
    assert node_words.reserved({"reserved": {"cpus": 0.5, "memory": 0}}) == ("", "")


def test_what_an_engine_holds_is_said_and_what_could_not_be_told():
    held = {"images": 1, "volumes": 2, "containers": 0, "ports": ["tcp/80", "udp/53"], "memory": 1 << 30}
    assert node_words.holds({"holds": held, "left_out": {"images": 3}}) == (
        "1 image, 2 volumes, 0 containers, ports tcp/80, udp/53, 1.0 GiB set aside; more than can be told: 3 images"
    )
    assert node_words.holds({}) == ""
