"""`python -m tests.fuzz`: counts, keeps what fails, and runs it again."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.fuzz import __main__ as fuzz

PLAIN = ["--engine", "plain", "--target", "chunks", "--runs", "1000", "--seed", "3"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "ROOT", tmp_path)
    monkeypatch.setattr(fuzz, "PLACE", tmp_path / "fuzz")
    return tmp_path / "fuzz"


def no_tabs(data, cuts):
    assert b"\t" not in data


def test_a_run_without_a_finding_ends_well_and_says_how_much_it_did(place):
    result = CliRunner().invoke(fuzz.main, PLAIN)
    assert result.exit_code == 0
    assert "1000 executions" in result.output
    assert not place.exists()


def test_what_fails_is_kept_and_fails_again(place, monkeypatch):
    monkeypatch.setattr(fuzz, "oracle", lambda target: no_tabs)
    result = CliRunner().invoke(fuzz.main, PLAIN)
    assert result.exit_code == 1
    kept = sorted((place / "crashes").glob("chunks-*"))
    assert kept
    again = CliRunner().invoke(fuzz.main, ["--replay", str(kept[0])])
    assert isinstance(again.exception, AssertionError)


def test_what_was_mended_passes_when_it_is_run_again(place, monkeypatch):
    place.mkdir()
    (place / "response-to-head-1").write_bytes(b"\0\1\0\5HTTP/1.1 200 OK\r\n\r\n")
    result = CliRunner().invoke(fuzz.main, ["--replay", str(place / "response-to-head-1")])
    assert result.output == "response-to-head-1: nothing wrong\n"
