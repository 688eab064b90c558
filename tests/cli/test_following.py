from __future__ import annotations

import json

import pytest

from tests.support.told import COMPLETE, FETCHING, LATENCY, SUCCESS, found, told
from tidegate.cli import following
from tidegate.cli.faults import RolledBack, Unreachable
from tidegate.cli.following import Lines, Objects, follow, path_of
from tidegate.cli.session import Session
from tidegate.errors import Problem


def test_the_slash_of_a_service_stays_in_the_path():
    assert path_of("shop/web b", "promote") == "/v1/releases/shop/web%20b/promote"


def test_each_thing_is_written_once_and_a_gate_when_it_changes_its_mind():
    lines = []
    picture = Lines(lines.append)
    picture.show(told(verdicts=[SUCCESS]))
    picture.show(told(verdicts=[SUCCESS | {"text": "other numbers"}]))
    later = {"when": 1790000020.0, "who": "tidegate", "what": "share 25 %", "why": ""}
    picture.show(told(moments=[later], verdicts=[SUCCESS, LATENCY]))
    assert [line.split("  ")[-1] for line in lines] == [
        "faster",
        "share 5 %",
        f"gate success: ok, {SUCCESS['text']}",
        "share 25 %",
        f"gate latency: FAILED, {LATENCY['text']}",
    ]


def test_an_image_that_is_fetched_is_a_line_for_each_layer_that_is_there():
    lines = []
    picture = Lines(lines.append)
    for layers_done, done_bytes in ((1, 1), (1, 2), (2, 3)):
        picture.show(told(fetches=[FETCHING | {"layers_done": layers_done, "done_bytes": done_bytes}]))
    assert [line for line in lines if line.startswith("fetching")] == [
        "fetching shop:2 on docker: 1 of 5 layers, 1 B of 31.4 MB",
        "fetching shop:2 on docker: 2 of 5 layers, 3 B of 31.4 MB",
    ]


class Replaced:
    """An admin API that is away for a moment, as during a reload."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def get(self, _path):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.0)


def session():
    made = Session()
    made.progress = "quiet"
    return made


def test_a_daemon_that_is_being_replaced_is_waited_for(quick):
    away = Unreachable(Problem(code="T1704", text="nobody"))
    admin = Replaced(found(told()), away, away, found(COMPLETE))
    assert follow(session(), admin, "shop/web", 3, None)["state"] == "complete"


def test_another_release_in_its_place_ends_the_following(quick):
    with pytest.raises(RolledBack, match="overtaken by release 4"):
        follow(session(), Replaced(found(told(number=4))), "shop/web", 3, None)


def test_progress_as_json_is_a_line_for_each_change(capsys):
    picture = Objects()
    for release in (told(), told(), COMPLETE):
        picture.show(release)
    written = [json.loads(line)["state"] for line in capsys.readouterr().err.splitlines()]
    assert written == ["shifting", "complete"]
