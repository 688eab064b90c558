import textwrap

import pytest

from tidegate.stacks.reader import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL, ComposeNetwork, read, read_file
from tidegate.errors import ConfigError


def compose(text, **more):
    options = {"project": "shop", "folder": "/srv/shop", "variables": {"TAG": "2"}, **more}
    return read(textwrap.dedent(text), "compose.yaml", **options)


def codes(file):
    return [(problem.code, problem.place, problem.severity.value) for problem in file.problems]


FULL = """\
    version: "3"
    x-remark: anything
    services:
      web:
        image: web:${TAG}
        command: serve --port 80
        entrypoint: ["/bin/tini", "--"]
        environment: {MODE: "${MODE:-fast}", PRICE: $$5}
        labels:
          aliyun.routing.port_80: web.example.test
          tidegate.flag: true
        ports: ["8080:80"]
        expose: [90]
        networks: {front: {aliases: [www]}, back: null}
        hostname: box
        stop_signal: SIGQUIT
        stop_grace_period: 1m
        restart: always
        user: 1000
        working_dir: /app
        dns: 10.0.0.1
        volumes: ["./data:/data", "named:/n", "/abs:/a:ro"]
    networks:
      front: {}
      back: {external: true}
"""


def test_everything_understood_reaches_the_spec():
    file = compose(FULL)
    assert file.problems == ()
    (spec,) = file.specs
    assert (spec.name, spec.image, spec.hostname) == ("shop-web-1", "web:2", "box")
    assert (spec.entrypoint, spec.command) == (("/bin/tini", "--"), ("serve", "--port", "80"))
    assert spec.environment == {"MODE": "fast", "PRICE": "$5"}
    assert spec.labels == {
        "aliyun.routing.port_80": "web.example.test",
        "tidegate.flag": "true",
        PROJECT_LABEL: "shop",
        SERVICE_LABEL: "web",
        NUMBER_LABEL: "1",
    }
    assert (spec.publish, spec.ports) == ({80: 8080}, (90,))
    assert spec.networks == {"shop_front": ("web", "www"), "back": ("web",)}
    assert (spec.stop_signal, spec.stop_timeout_seconds, spec.restart) == ("SIGQUIT", 60.0, "always")
    assert (spec.user, spec.working_dir, spec.dns) == ("1000", "/app", ("10.0.0.1",))
    assert spec.volumes == ("/srv/shop/data:/data", "shop_named:/n", "/abs:/a:ro")
    assert file.networks == (ComposeNetwork(name="shop_front"), ComposeNetwork(name="back", external=True))


@pytest.mark.parametrize(
    "scale", ["scale: 3", "deploy: {replicas: 3}", 'labels: {aliyun.scale: "3"}', "labels: [tidegate.scale=3]"]
)
def test_a_scaled_service_is_as_many_numbered_containers(scale):
    file = compose(f"services:\n  web:\n    image: x\n    {scale}\n")
    assert file.problems == ()
    assert [spec.name for spec in file.specs] == ["shop-web-1", "shop-web-2", "shop-web-3"]
    assert [spec.labels[NUMBER_LABEL] for spec in file.specs] == ["1", "2", "3"]


def test_version_1_has_its_services_on_top():
    file = compose("""\
        web:
          image: wordpress:4.5
          links: ['db:mysql']
          labels: {aliyun.scale: '2'}
        db:
          image: mysql:5.7
        """)
    assert [spec.name for spec in file.specs] == ["shop-web-1", "shop-web-2", "shop-db-1"]
    assert codes(file) == [("T1131", "compose.yaml:3", "warning")]
    assert file.networks == (ComposeNetwork(name="shop_default"),)


def test_every_service_is_on_the_default_network_by_its_name():
    (spec,) = compose("services: {web: {image: x}}").specs
    assert spec.networks == {"shop_default": ("web",)}


def test_a_network_mode_takes_the_place_of_networks():
    file = compose("services: {web: {image: x, network_mode: host}, side: {image: x, network_mode: 'service:web'}}")
    web, side = file.specs
    assert (web.networks, web.network_mode) == ({}, "host")
    assert side.network_mode == "container:shop-web-1"
    assert file.networks == ()


def test_all_problems_come_at_once_each_with_its_line():
    file = compose("""\
        services:
          web:
            image: x
            ports: ["80", "nonsense"]
            stop_grace_period: soon
            healthcheck: {test: "true"}
            networks: [lost]
            scale: many
          bare: {}
          "bad name": {image: x}
          noimage: {command: [run, ]}
          typed: {image: x, command: {a: b}, environment: 5, user: $NOBODY}
          $X: {image: x}
        """)
    assert codes(file) == [
        ("T1133", "compose.yaml:12", "warning"),
        ("T1136", "compose.yaml:4", "error"),
        ("T1138", "compose.yaml:5", "error"),
        ("T1131", "compose.yaml:6", "warning"),
        ("T1140", "compose.yaml:7", "error"),
        ("T1139", "compose.yaml:8", "error"),
        ("T1137", "compose.yaml:9", "error"),
        ("T1142", "compose.yaml:10", "error"),
        ("T1137", "compose.yaml:11", "error"),
        ("T1132", "compose.yaml:12", "error"),
        ("T1132", "compose.yaml:12", "error"),
        ("T1142", "compose.yaml:13", "error"),
    ]
    assert len(file.errors) == 10


@pytest.mark.parametrize("text", ["", "[]", "just text", "services:", "services: {}", "5"])
def test_a_file_without_services_says_so(text):
    assert [problem.code for problem in compose(text).problems if problem.code == "T1130"] == ["T1130"]


def test_what_is_not_yaml_is_told_by_the_yaml_reader():
    file = compose("services:\n  web: [\n")
    assert file.errors
    assert file.specs == ()


def test_a_repeated_key_is_refused():
    assert compose("services:\n  web: {image: x}\n  web: {image: y}\n").errors


def test_several_containers_cannot_share_a_name_or_a_host_port():
    file = compose("services: {web: {image: x, scale: 2, container_name: a, ports: ['8080:80']}}")
    assert [(problem.code, problem.severity.value) for problem in file.problems] == [
        ("T1139", "error"),
        ("T1139", "warning"),
    ]


def test_a_container_may_be_given_its_name():
    assert compose("services: {web: {image: x, container_name: front-door}}").specs[0].name == "front-door"


@pytest.mark.parametrize(
    ("project", "text", "folder", "name"),
    [
        ("Given", "name: own\nservices: {a: {image: x}}", "/srv/folder", "given"),
        ("", "name: own\nservices: {a: {image: x}}", "/srv/folder", "own"),
        ("", "services: {a: {image: x}}", "/srv/My Folder!", "myfolder"),
        ("", "services: {a: {image: x}}", "/", "default"),
    ],
)
def test_the_project_is_named_by_argument_file_or_folder(project, text, folder, name):
    assert compose(text, project=project, folder=folder).project == name


def test_a_file_is_read_with_its_folder_as_project(tmp_path):
    path = tmp_path / "shop" / "compose.yaml"
    path.parent.mkdir()
    path.write_text("services: {web: {image: 'x:${TAG}'}}")
    file = read_file(path, variables={"TAG": "7"})
    assert (file.project, file.specs[0].image) == ("shop", "x:7")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read_file(tmp_path / "none.yaml")
    assert caught.value.problems[0].code == "T1141"
