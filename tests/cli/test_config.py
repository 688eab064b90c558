from __future__ import annotations

from tests.support.cli import piped
from tidegate.cli.catalogue import SETTINGS


def test_every_setting_is_shown_with_its_origin(tmp_path):
    (tmp_path / "tidegate.yaml").write_text("workers: 3\n")
    done = piped("config", "show", "--http", "9000", "--json", cwd=tmp_path, TIDEGATE_ZONE="a")
    rows = {row["key"]: row for row in done.json["data"]}
    assert len(rows) == len(SETTINGS)
    assert (rows["workers"]["value"], rows["workers"]["origin"]) == (3, "tidegate.yaml:1")
    assert (rows["http.listeners"]["value"], rows["http.listeners"]["origin"]) == (["0.0.0.0:9000"], "--http")
    assert (rows["node.zone"]["value"], rows["node.zone"]["origin"]) == ("a", "TIDEGATE_ZONE")
    assert (rows["dns.domain"]["value"], rows["dns.domain"]["origin"]) == ("mesh.internal", "default")


def test_a_secret_is_not_printed(tmp_path):
    done = piped("config", "show", cwd=tmp_path, TIDEGATE_TOKEN="hunter2")
    assert "hunter2" not in done.out + done.err
    assert "admin.token\t(set)\tTIDEGATE_TOKEN" in done.out


def test_a_pipe_gets_one_line_per_setting(tmp_path):
    lines = piped("config", "show", "--no-docker", cwd=tmp_path).out.splitlines()
    assert lines[0] == "SETTING\tVALUE\tFROM\tVARIABLE"
    assert len(lines) == len(SETTINGS) + 1
    assert "docker.urls\toff\t--no-docker\tTIDEGATE_DOCKER" in lines
    assert "docker.required\ttrue\tdefault\tTIDEGATE_DOCKER_REQUIRED" in lines


def test_wrong_settings_are_exit_code_2(tmp_path):
    done = piped("config", "show", "--json", cwd=tmp_path, TIDEGATE_WORKERS="x", TIDEGATE_DNS="y")
    assert done.code == 2
    assert [error["code"] for error in done.json["errors"]] == ["T1003", "T1002"]
