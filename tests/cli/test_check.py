from __future__ import annotations

import pytest

from tests.support.cli import PROBLEM, RECORDED, ROOT, FakeAdmin, piped
from tidegate.cli.check import is_compose

COMPOSE = (
    "services:\n  web:\n    image: x\n    labels:\n      aliyun.routing.prot_80: web\n      tidegate.weight: many\n"
)
STATIC = "services:\n  web:\n    endpoints: ['127.0.0.1:9001']\nroutes:\n  - {host: a.test, backends: {web: 100}}\n"


@pytest.fixture
def file(tmp_path):
    def write(text, name="f.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def test_every_label_mistake_of_a_compose_file_is_told_with_its_line(file):
    path = file(COMPOSE)
    done = piped("check", path)
    assert done.code == 1
    assert f"at    {path}:5  service web, label aliyun.routing.prot_80" in done.out
    assert f"at    {path}:6  service web, label tidegate.weight" in done.out
    assert done.out.endswith(f"{path} (compose): 2 problems\n")


def test_a_good_static_file_is_exit_code_0(file):
    done = piped("check", file(STATIC), "--json")
    assert done.code == 0
    assert (done.json["data"]["kind"], done.json["data"]["problems"]) == ("static", [])


def test_a_bad_static_file_is_exit_code_1(file):
    done = piped("check", file(STATIC.replace("endpoints", "endponits")), "--json")
    assert done.code == 1
    assert done.json["data"]["problems"]


def test_the_tls_section_is_checked_with_the_files_it_names(file, tmp_path):
    section = f"tls:\n  certificates:\n    - {{certificate: {tmp_path}/none.crt, key: {tmp_path}/none.key}}\n"
    done = piped("check", file(STATIC + section))
    assert done.code == 1
    assert "T1901" in done.out
    assert f"at    {tmp_path}/none.crt" in done.out


def test_yaml_that_cannot_be_read_has_its_line(file):
    path = file("services: [\n")
    done = piped("check", path)
    assert done.code == 1
    assert f"at    {path}:" in done.out


def test_warnings_alone_are_exit_code_0(file):
    done = piped("check", file("web:\n  image: x\n  labels:\n    aliyun.logs: /var/log\n"))
    assert done.code == 0
    assert "1 problem" in done.out


@pytest.mark.parametrize("name", ["none.yaml", "some/none"])
def test_a_file_that_is_not_there_is_exit_code_4(name, tmp_path):
    done = piped("check", name, cwd=tmp_path)
    assert done.code == 4
    assert "T1718" in done.err


def test_a_file_that_is_not_text_is_exit_code_2(tmp_path):
    (tmp_path / "f.yaml").write_bytes(b"\xff\xfe\0")
    assert "it is not UTF-8 text" in piped("check", str(tmp_path / "f.yaml")).err


def test_a_container_is_checked_by_the_running_program(tmp_path):
    with FakeAdmin(RECORDED) as fake:
        done = piped("check", "web-1", cwd=tmp_path, TIDEGATE_ADMIN=fake.address)
    assert fake.asked[0].query == {"container": "web-1"}
    assert PROBLEM["text"] in done.out
    assert done.code == 0


@pytest.mark.parametrize("name", ["static.yaml", "blue-green.yaml"])
def test_the_examples_have_no_mistakes(name):
    done = piped("check", str(ROOT / "examples" / name))
    assert done.out.endswith("no problems\n")


@pytest.mark.parametrize(
    ("data", "compose"),
    [
        ({"services": {"web": {"image": "x"}}}, True),
        ({"web": {"build": "."}}, True),
        ({"services": {"web": {"endpoints": []}}}, False),
        ({}, False),
        (None, False),
        ({"services": []}, False),
    ],
)
def test_a_compose_file_is_known_by_its_images(data, compose):
    assert is_compose(data) is compose
