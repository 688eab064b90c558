import pytest

from tidegate.engine.docker_inherited import own_config

IMAGE = {
    "Env": ["PATH=/bin", "LANG=C"],
    "Cmd": ["serve"],
    "Entrypoint": ["/app"],
    "Labels": {"vendor": "us", "tidegate.port": "80"},
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "User": "app",
    "WorkingDir": "/srv",
    "StopSignal": "SIGQUIT",
    "Shell": ["/bin/sh", "-c"],
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5, "Retries": 3},
}
NOTHING = {"Env": [], "Labels": {}, "ExposedPorts": {}, "Volumes": {}}


def test_what_the_image_gave_is_not_the_containers_own():
    assert own_config(IMAGE | {"Image": "web:1", "Hostname": "abc", "OnBuild": ["RUN x"]}, IMAGE) == NOTHING


def test_without_knowing_the_image_everything_is_the_containers_own():
    own = own_config(IMAGE, {})
    assert own == IMAGE


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_an_image_that_says_nothing_takes_nothing_away(nothing):
    image = dict.fromkeys(IMAGE, nothing)
    assert own_config(IMAGE, image) == IMAGE


def test_a_variable_with_another_value_is_the_containers_own():
    assert own_config(IMAGE | {"Env": ["PATH=/mine", "LANG=C", "TOKEN=x", "GONE"]}, IMAGE)["Env"] == [
        "PATH=/mine",
        "TOKEN=x",
        "GONE",
    ]


def test_a_label_with_another_value_is_the_containers_own():
    labels = {"vendor": "us", "tidegate.port": "8080", "tidegate.host": "a.test"}
    assert own_config(IMAGE | {"Labels": labels}, IMAGE)["Labels"] == {
        "tidegate.port": "8080",
        "tidegate.host": "a.test",
    }


@pytest.mark.parametrize(
    ("entrypoint", "command", "own"),
    [
        (["/app"], ["serve"], {}),
        (["/app"], ["migrate"], {"Cmd": ["migrate"]}),
        (["/app"], None, {"Entrypoint": ["/app"]}),  # given by hand: the image's command was taken away by it
        (["/mine"], None, {"Entrypoint": ["/mine"]}),
        (
            ["/mine"],
            ["serve"],
            {"Entrypoint": ["/mine"], "Cmd": ["serve"]},
        ),  # the image's would not have come by itself
        (None, ["sh"], {"Entrypoint": [""], "Cmd": ["sh"]}),
    ],
)
def test_entrypoint_and_command_are_told_apart_as_the_engine_melts_them(entrypoint, command, own):
    found = own_config(IMAGE | {"Entrypoint": entrypoint, "Cmd": command}, IMAGE)
    assert {key: found[key] for key in ("Entrypoint", "Cmd") if key in found} == own


def test_a_health_check_keeps_the_fields_that_were_set_for_the_container():
    own = own_config(IMAGE | {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 9, "Retries": 3}}, IMAGE)
    assert own["Healthcheck"] == {"Interval": 9}


def test_a_health_check_that_was_switched_off_stays_off():
    assert own_config(IMAGE | {"Healthcheck": {"Test": ["NONE"]}}, IMAGE)["Healthcheck"] == {"Test": ["NONE"]}


def test_no_time_to_stop_is_not_the_same_as_none_said():
    assert own_config(IMAGE | {"StopTimeout": 0}, IMAGE)["StopTimeout"] == 0
    assert "StopTimeout" not in own_config(IMAGE | {"StopTimeout": None}, IMAGE)


def test_what_no_image_can_give_is_kept():
    own = own_config(IMAGE | {"Tty": True, "OpenStdin": True, "StopTimeout": 4, "Domainname": "lan"}, IMAGE)
    assert own == NOTHING | {"Tty": True, "OpenStdin": True, "StopTimeout": 4, "Domainname": "lan"}
