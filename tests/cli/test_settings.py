from __future__ import annotations

import pytest

from tidegate.cli.catalogue import BY_KEY
from tidegate.cli.settings import default_state, load, shown
from tidegate.config import Config
from tidegate.errors import ConfigError, Severity
from tidegate.model import Address

LOOPBACK = Address(host="127.0.0.1", port=8000)


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    """No tidegate.yaml of this folder is found by accident."""
    monkeypatch.chdir(tmp_path)


def settings_file(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return str(path)


def codes(error):
    return [problem.code for problem in error.value.problems]


def test_without_any_source_all_is_default():
    found = load({}, {})
    assert found.config.http == Config().http
    assert set(found.origins.values()) == {"default"}


def test_flag_wins_over_variable_over_file_over_default(tmp_path):
    file = settings_file(tmp_path, "workers: 2\nlog_level: error\nnode: {name: f, zone: f}\n")
    found = load({"workers": "4"}, {"TIDEGATE_WORKERS": "3", "TIDEGATE_LOG_LEVEL": "debug", "TIDEGATE_NODE": "n"}, file)
    assert found.config.workers == 4
    assert found.config.log_level == "debug"
    assert (found.config.node.name, found.config.node.zone) == ("n", "f")
    assert found.origins["workers"] == "--workers"
    assert found.origins["log_level"] == "TIDEGATE_LOG_LEVEL"
    assert found.origins["node.zone"] == f"{file}:3"


def test_a_list_is_replaced_whole(tmp_path):
    file = settings_file(tmp_path, "http:\n  listeners: ['127.0.0.1:1', '127.0.0.1:2']\n")
    assert len(load({}, {}, file).config.http.listeners) == 2
    assert load({"http.listeners": ("127.0.0.1:8000",)}, {}, file).config.http.listeners == (LOOPBACK,)


def test_a_variable_may_hold_several_values():
    found = load({}, {"TIDEGATE_HTTP": "127.0.0.1:8000, [::1]:8000"})
    assert found.config.http.listeners == (LOOPBACK, Address(host="::1", port=8000))


def test_an_item_with_commas_is_parted_from_others_by_blanks():
    found = load({}, {"TIDEGATE_DNS_FORWARD": "corp.example=10.0.0.2,10.0.0.3 lan=10.0.0.4"})
    assert [str(each) for each in found.config.dns.forward_zones] == [
        "corp.example=10.0.0.2:53,10.0.0.3:53",
        "lan=10.0.0.4:53",
    ]


@pytest.mark.parametrize("zone", ["mesh.internal", "lab.mesh.internal"])
def test_names_of_our_own_zone_cannot_be_forwarded(zone):
    with pytest.raises(ConfigError) as error:
        load({"dns.forward_zones": (f"{zone}=10.0.0.2",)}, {})
    assert codes(error) == ["T1809"]
    assert load({"dns.forward_zones": ("internal=10.0.0.2",)}, {}).config.dns.forward_zones


def test_a_port_of_yaml_is_a_number_and_still_an_address(tmp_path):
    file = settings_file(tmp_path, "http:\n  listeners: 8000\nadmin: {token: 12345}\n")
    found = load({}, {}, file)
    assert found.config.http.listeners == (Address(host="0.0.0.0", port=8000),)
    assert found.config.admin.token == "12345"


@pytest.mark.parametrize("word", ["off", "none", ""])
def test_a_listener_can_be_switched_off(word):
    assert load({}, {"TIDEGATE_DNS": word}).config.dns.listeners == ()


def test_docker_host_is_followed_unless_told_otherwise():
    assert load({}, {"DOCKER_HOST": "tcp://h:1"}).config.docker.urls == ("tcp://h:1",)
    assert load({}, {"DOCKER_HOST": "tcp://h:1"}).origins["docker.urls"] == "DOCKER_HOST"
    assert load({"docker.urls": "off"}, {"DOCKER_HOST": "tcp://h:1"}).config.docker.urls == ()


def test_all_faults_of_all_sources_are_told_at_once_with_their_places(tmp_path):
    file = settings_file(tmp_path, "http:\n  listen: 80\nworkers: many\ndsn: {}\nadmin: here\nnode: {name: []}\n")
    with pytest.raises(ConfigError) as error:
        load({"dns.listeners": ("x:y",)}, {"TIDEGATE_LOG_LEVEL": "loud"}, file)
    places = {problem.place: problem for problem in error.value.problems}
    assert places[f"{file}:2"].code == "T1001"
    assert places[f"{file}:2"].mend == "did you mean http.listeners?"
    assert places[f"{file}:3"].code == "T1002"
    assert places[f"{file}:4"].mend == "did you mean dns?"
    assert places[f"{file}:5"].text == "admin is a section, not a value"
    assert places[f"{file}:6"].code == "T1002"
    assert places["--dns"].code == "T1003"
    assert places["TIDEGATE_LOG_LEVEL"].code == "T1002"
    assert error.value.exit_code == 2


def test_faults_of_yaml_and_of_settings_come_together(tmp_path):
    file = settings_file(tmp_path, "workers: 1\nworkers: 2\nnoide: {}\n")
    with pytest.raises(ConfigError) as error:
        load({}, {}, file)
    assert "T1001" in codes(error)
    assert len(codes(error)) == 2


def test_a_file_that_is_not_there_is_an_error_when_it_was_named(tmp_path):
    with pytest.raises(ConfigError) as error:
        load({}, {"TIDEGATE_CONFIG": str(tmp_path / "none.yaml")})
    assert codes(error) == ["T1004"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "http:\n"])
def test_an_empty_file_or_section_changes_nothing(tmp_path, text):
    assert load({}, {}, settings_file(tmp_path, text)).config.http == Config().http


def test_a_file_that_is_a_list_is_refused(tmp_path):
    with pytest.raises(ConfigError) as error:
        load({}, {}, settings_file(tmp_path, "- a\n"))
    assert codes(error) == ["T1002"]


def test_a_file_in_the_folder_is_found_by_itself(tmp_path):
    (tmp_path / "tidegate.yaml").write_text("workers: 7\n")
    found = load({}, {})
    assert found.config.workers == 7
    assert found.origins["workers"] == "tidegate.yaml:1"


def test_an_unknown_variable_is_a_warning_with_the_nearest_name():
    found = load({}, {"TIDEGATE_DSN": "1", "TIDEGATE_PURE": "1"})
    assert [(problem.code, problem.severity, problem.mend) for problem in found.warnings] == [
        ("T1011", Severity.WARNING, "did you mean TIDEGATE_DNS?")
    ]


def test_a_socket_in_the_clients_variable_does_not_stop_a_start():
    found = load({}, {"TIDEGATE_ADMIN": "unix:/run/t.sock"})
    assert found.config.admin == Config().admin
    assert [problem.code for problem in found.warnings] == ["T1003"]


@pytest.mark.parametrize(
    "flags",
    [
        {"admin.listeners": ("127.0.0.1:8080",)},
        {"http.listeners": ("127.0.0.1:7000",), "admin.listeners": ("7000",)},
        {"http.listeners": ("7000", "7000")},
    ],
)
def test_two_listeners_on_one_address_are_refused(flags):
    with pytest.raises(ConfigError) as error:
        load(flags, {})
    assert codes(error) == ["T1005"]


def test_port_0_twice_is_two_ports():
    assert len(load({"http.listeners": ("127.0.0.1:0", "127.0.0.1:0")}, {}).config.http.listeners) == 2


def test_https_is_served_once_there_are_certificates_and_where_the_operator_says():
    assert load({}, {}).config.http.tls_listeners == ()
    given = {"tls.certificates": ("/etc/tls/",)}
    config = load(given, {}).config
    assert [str(each) for each in config.http.tls_listeners] == ["0.0.0.0:8443"]
    assert config.tls.certificates == ("/etc/tls",)
    assert load({**given, "http.tls_listeners": ("off",)}, {}).config.http.tls_listeners == ()
    assert [str(each) for each in load({"http.tls_listeners": ("443",)}, {}).config.http.tls_listeners] == [
        "0.0.0.0:443"
    ]


def test_a_store_is_shown_without_its_password_and_a_wrong_one_is_not_repeated():
    given = load({"state.store": "etcd://me:secret@a:2379,b"}, {})
    assert shown(BY_KEY["state.store"], given.config) == "etcd://me:***@a:2379,b:2379/tidegate"
    with pytest.raises(ConfigError) as error:
        load({"state.store": "etcd://me:secret@a:port"}, {})
    assert codes(error) == ["T1002"]
    assert "secret" not in str(error.value)


def test_the_admin_api_off_loopback_needs_a_token():
    with pytest.raises(ConfigError) as error:
        load({"admin.listeners": ("0.0.0.0:9900",)}, {})
    assert codes(error) == ["T1006"]
    assert load({"admin.listeners": ("0.0.0.0:9900",)}, {"TIDEGATE_TOKEN": "s"}).config.admin.token == "s"


@pytest.mark.parametrize(
    ("environ", "uid", "folder"),
    [
        ({}, 0, "/var/lib/tidegate"),
        ({"HOME": "/home/a"}, 1000, "/home/a/.local/state/tidegate"),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "/s"}, 1000, "/s/tidegate"),
    ],
)
def test_the_state_folder_is_the_systems_for_root_and_the_users_for_others(environ, uid, folder):
    assert default_state(environ, uid) == folder


def test_a_secret_is_never_shown():
    config = load({"admin.token": "hunter2"}, {}).config
    assert shown(BY_KEY["admin.token"], config) == "(set)"
    with pytest.raises(ConfigError) as error:
        load({"admin.token": "hunter2", "workers": "x"}, {})
    assert "hunter2" not in str(error.value)


def test_what_docker_clients_are_told_by_variables_counts_here_too():
    variables = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs", "DOCKER_API_VERSION": "1.41"}
    settings = load({}, variables)
    assert settings.config.docker.tls_folder == "/certs"
    assert settings.config.docker.api_version == "1.41"
    assert settings.origins["docker.tls_folder"] == "DOCKER_CERT_PATH"
    assert load({}, {"DOCKER_CERT_PATH": "/certs"}).config.docker.tls_folder == ""
