from __future__ import annotations

import errno
import socket
import threading

import msgspec
import pytest

from tests.support.cli import DEADLINE, RECORDED, FakeAdmin
from tidegate.cli import diagnosis
from tidegate.cli.client import parse
from tidegate.cli.diagnosis import BROKEN, OK, WARNING, bind_error, examine, running_version
from tidegate.config import AdminConfig, Config, DnsConfig, DockerConfig, HttpConfig, StateConfig
from tidegate.model import Address

FREE = Address(host="127.0.0.1", port=0)


def config(tmp_path, **changed):
    quiet = Config(
        http=HttpConfig(listeners=(FREE,)),
        dns=DnsConfig(listeners=(FREE,)),
        admin=AdminConfig(listeners=()),
        docker=DockerConfig(urls=()),
        state=StateConfig(folder=str(tmp_path)),
    )
    return msgspec.structs.replace(quiet, **changed)


def found(settings, check):
    return next(finding for finding in examine(settings) if finding.check == check)


def test_a_good_host_has_nothing_broken(tmp_path):
    assert not [finding for finding in examine(config(tmp_path)) if finding.state == BROKEN]


def test_a_taken_port_is_broken_with_a_way_to_find_the_taker(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Address(host="127.0.0.1", port=taken.getsockname()[1])
        finding = found(config(tmp_path, http=HttpConfig(listeners=(where,))), "port http")
    assert finding.state == BROKEN
    assert f"ss -ltnp 'sport = :{where.port}'" in finding.mend


def test_a_taken_udp_port_is_found_too(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        where = Address(host="127.0.0.1", port=taken.getsockname()[1])
        assert "(UDP)" in found(config(tmp_path, dns=DnsConfig(listeners=(where,))), "port dns").text


def test_an_address_of_another_host_is_broken(tmp_path):
    where = Address(host="192.0.2.1", port=80)
    assert "no interface" in found(config(tmp_path, http=HttpConfig(listeners=(where,))), "port http").mend


def test_ports_of_the_running_program_are_no_fault(tmp_path):
    with FakeAdmin(RECORDED) as fake:
        host, port = parse(fake.address)
        admin = AdminConfig(listeners=(Address(host=host, port=port),))
        assert running_version(config(tmp_path, admin=admin)) == "0.1.0"
        assert found(config(tmp_path, admin=admin), "port admin").state == OK


def test_a_running_program_that_wants_a_token_still_counts(tmp_path):
    with FakeAdmin({"GET /v1/status": (401, {})}) as fake:
        host, port = parse(fake.address)
        assert running_version(config(tmp_path, admin=AdminConfig(listeners=(Address(host=host, port=port),))))


def test_a_missing_socket_is_broken_with_three_ways_out(tmp_path):
    finding = found(config(tmp_path, docker=DockerConfig(urls=(f"unix://{tmp_path}/none.sock",))), "docker")
    assert finding.state == BROKEN
    assert "--no-docker" in finding.mend


def test_a_socket_nobody_answers_at_is_broken(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{tmp_path}/d.sock")
        finding = found(config(tmp_path, docker=DockerConfig(urls=(f"unix://{tmp_path}/d.sock",))), "docker")
    assert "does not answer" in finding.text


@pytest.mark.parametrize(("api", "state"), [("1.41", OK), ("1.23", BROKEN), ("1.24", OK)])
def test_an_engine_is_told_by_its_version(tmp_path, api, state):
    with FakeAdmin({"GET /version": {"Version": "x", "ApiVersion": api}}) as fake:
        finding = found(config(tmp_path, docker=DockerConfig(urls=(f"tcp://{fake.address}",))), "docker")
    assert finding.state == state
    assert f"API {api}" in finding.text


def test_a_stranger_instead_of_an_engine_is_broken(tmp_path):
    with FakeAdmin({"GET /version": []}) as fake:
        finding = found(config(tmp_path, docker=DockerConfig(urls=(f"tcp://{fake.address}",))), "docker")
    assert finding.state == BROKEN


def test_a_socket_that_may_not_be_opened_names_its_mode_and_our_uid(tmp_path):
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o660)
        finding = diagnosis._socket_fault(path, PermissionError(errno.EACCES, "Permission denied"))
    assert "mode 0660" in finding.text
    assert "uid" in finding.text
    assert "usermod -aG" in finding.mend


def test_a_right_that_is_missing_for_a_low_port_is_named():
    error = PermissionError(errno.EACCES, "Permission denied")
    assert "CAP_NET_BIND_SERVICE" in diagnosis._port_mend("http", FREE, "TCP", error)


def test_few_open_files_are_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosis.resource, "getrlimit", lambda _: (256, 1024))
    assert found(config(tmp_path), "open files").state == WARNING


def test_a_state_folder_that_is_a_file_is_broken(tmp_path):
    (tmp_path / "f").write_text("")
    assert found(config(tmp_path, state=StateConfig(folder=str(tmp_path / "f"))), "state").state == BROKEN


def test_a_state_folder_that_is_not_there_yet_can_be_made(tmp_path):
    assert "can be made" in found(config(tmp_path, state=StateConfig(folder=str(tmp_path / "a" / "b"))), "state").text


def test_pure_modules_are_a_warning_that_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(diagnosis, "module_forms", lambda _: {"tidegate.matcher": "pure"})
    monkeypatch.setattr(diagnosis.shutil, "which", lambda _: None)
    finding = diagnosis._compiled()
    assert (finding.state, "no C compiler" in finding.text) == (WARNING, True)
    assert "apt-get install gcc" in finding.mend


def test_looking_at_a_port_leaves_it_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    where = Address(host="127.0.0.1", port=port)
    threads = [threading.Thread(target=bind_error, args=(where, socket.SOCK_STREAM)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert bind_error(where, socket.SOCK_STREAM) is None
