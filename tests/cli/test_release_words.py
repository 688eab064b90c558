from __future__ import annotations

import pytest

from tests.support.told import COMPLETE, FETCHING, LATENCY, SUCCESS, WAITING, told
from tidegate.cli import release_words


def test_the_steps_say_what_is_done_and_where_it_is():
    assert release_words.steps(told()) == "done 5% · NOW 25% · 50% · 100%"
    assert release_words.steps(COMPLETE) == "done 5% · done 25% · done 50% · done 100%"
    assert release_words.steps(told("rolled-back")) == "done 5% · 25% · 50% · 100%"


def test_replicas_count_what_runs_on_both_sides():
    assert release_words.replicas(told()) == [("v1", "2/2 ready", "75%"), ("v2", "1/2 ready", "25%")]


def test_gates_come_with_their_verdicts_and_numbers():
    rows = release_words.gates(told(verdicts=[SUCCESS, LATENCY]))
    assert [row[:2] for row in rows] == [("success", "ok"), ("latency", "FAILED")]
    assert "15210" in rows[0][2]


def test_an_image_that_is_fetched_comes_with_its_layers_and_bytes():
    assert release_words.fetches(told()) == []
    (row,) = release_words.fetches(told(fetches=[FETCHING]))
    assert row == ("shop:2", "docker", "2 of 5 layers, 12.0 MB of 31.4 MB")
    (row,) = release_words.fetches(told(fetches=[FETCHING | {"layers": 0, "said": "Pulling from shop"}]))
    assert row[2] == "Pulling from shop"


def test_the_time_left_of_a_hold_is_said():
    assert release_words.waits_for(told()) == "shifting, step 2 of 4, v2 has 25%, 42s left"
    assert release_words.waits_for(COMPLETE) == "complete"


PAUSED = {"cause": "operator", "text": "", "since": 1.0}


@pytest.mark.parametrize(
    ("release", "waits"),
    [
        (WAITING, True),
        (told(paused=PAUSED), True),
        (told(), False),
        (COMPLETE, False),
        (told("failed", paused=PAUSED), False),
    ],
)
def test_who_waits_for_a_person(release, waits):
    assert release_words.waits_for_person(release) is waits
