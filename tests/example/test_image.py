from __future__ import annotations

import io
import shutil
import tarfile

import pytest

from tests.support.tree import ROOT
from tidegate.errors import EngineError
from tidegate.example import image
from tidegate.stacks.reader import read_file

COMPOSE = ROOT / "tidegate" / "example" / "compose.yaml"


def test_the_image_holds_busybox_its_applets_and_the_service():
    if shutil.which("busybox") is None:
        pytest.skip("needs a static busybox; mend: apt-get install -y busybox-static")
    with tarfile.open(fileobj=io.BytesIO(image.filesystem())) as tar:
        members = {member.name: member for member in tar}
        script = tar.extractfile(f"usr/bin/{image.COMMAND}").read()
    assert members["bin/httpd"].islnk()
    assert members["bin/sh"].mode == 0o755
    assert members["bin/busybox"].size > 100_000
    assert script == (ROOT / "tidegate" / "example" / "service.sh").read_bytes()


def test_without_busybox_the_other_engine_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="--engine process"):
        image.filesystem()


def test_a_busybox_that_needs_libraries_is_not_taken(monkeypatch, tmp_path):
    (tmp_path / "busybox").write_bytes(b"\x7fELF" + b"/lib64/ld-linux-x86-64.so.2")
    (tmp_path / "busybox").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="static busybox"):
        image.filesystem()


def test_the_example_is_read_without_a_problem_and_has_two_versions_of_one_service():
    file = read_file(COMPOSE, variables={"DEMO_OWNER": "1"})
    assert not file.problems
    assert file.project == "tidegate-demo"
    assert {service.name: service.scale for service in file.services} == {
        "hello-v1": 2,
        "hello-v2": 1,
        "api": 2,
        "web": 1,
    }
    labels = [spec.labels for spec in file.specs if spec.labels.get("tidegate.service") == "tidegate-demo/hello"]
    assert [label["tidegate.version"] for label in labels] == ["v1", "v1", "v2"]
    assert {spec.image for spec in file.specs} == {image.NAME}
    assert {spec.command for spec in file.specs} == {(image.COMMAND,)}
