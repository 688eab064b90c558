import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.compose import codes, compose
from tests.support.tree import ROOT
from tidegate.engine.compose_labels import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.spec import Attachment, Mount, MountKind, Publication
from tidegate.errors import ConfigError
from tidegate.stacks.file import ComposeFile
from tidegate.stacks.fingerprint import CONFIG_LABEL
from tidegate.stacks.reader import read_file
from tidegate.stacks.service_reader import KNOWN

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
    volumes:
      named: {}
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
        CONFIG_LABEL: file.services[0].revision,
    }
    assert (spec.publish, spec.ports) == ((Publication(port=80, host_port=8080),), (90,))
    assert spec.networks == {"shop_front": Attachment(aliases=("web", "www")), "back": Attachment(aliases=("web",))}
    assert (spec.stop_signal, spec.stop_timeout_seconds, spec.restart) == ("SIGQUIT", 60.0, "always")
    assert (spec.user, spec.working_dir, spec.dns) == ("1000", "/app", ("10.0.0.1",))
    assert spec.mounts == (
        Mount(kind=MountKind.BIND, source="/srv/shop/data", target="/data"),
        Mount(source="shop_named", target="/n"),
        Mount(kind=MountKind.BIND, source="/abs", target="/a", read_only=True),
    )
    assert [(network.name, network.external) for network in file.networks] == [("shop_front", False), ("back", True)]
    assert [volume.name for volume in file.volumes] == ["shop_named"]


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
    assert [spec.name for spec in file.specs] == ["shop-db-1", "shop-web-1", "shop-web-2"]
    assert file.problems == ()
    assert [network.name for network in file.networks] == ["shop_default"]


def test_every_service_is_on_the_default_network_by_its_name():
    (spec,) = compose("services: {web: {image: x}}").specs
    assert spec.networks == {"shop_default": Attachment(aliases=("web",))}


def test_a_network_mode_takes_the_place_of_networks():
    file = compose("services: {web: {image: x, network_mode: host}, side: {image: x, network_mode: 'service:web'}}")
    web, side = file.specs
    assert (web.networks, web.network_mode) == ({}, "host")
    assert side.network_mode == "container:shop-web-1"
    assert file.networks == ()


def test_sharing_with_a_service_that_has_no_container_here_is_refused():
    file = compose("services: {web: {image: x, network_mode: 'service:db'}, db: {external: {host: 10.0.0.9}}}")
    assert [each.text for each in file.errors] == ["service web shares with db, which has no container here"]


def test_all_problems_come_at_once_each_with_its_line():
    file = compose("""\
        services:
          web:
            image: x
            ports: ["80", "nonsense"]
            stop_grace_period: soon
            build: .
            networks: [lost]
            scale: many
          bare: {}
          "bad name": {image: x}
          noimage: {command: [run, ]}
          typed: {image: x, command: {a: b}, environment: 5, user: $NOBODY}
          $X: {image: x}
        """)
    assert sorted(codes(file)) == [
        ("T1131", "compose.yaml:6", "warning"),
        ("T1132", "compose.yaml:12", "error"),
        ("T1132", "compose.yaml:12", "error"),
        ("T1133", "compose.yaml:12", "warning"),
        ("T1136", "compose.yaml:4", "error"),
        ("T1137", "compose.yaml:11", "error"),
        ("T1137", "compose.yaml:9", "error"),
        ("T1138", "compose.yaml:5", "error"),
        ("T1139", "compose.yaml:8", "error"),
        ("T1140", "compose.yaml:7", "error"),
        ("T1142", "compose.yaml:10", "error"),
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


def test_variables_stand_in_a_file_beside_it_unless_the_process_has_them(tmp_path):
    (tmp_path / ".env").write_text("TAG=7\nNAME=own\n")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: '${NAME}:${TAG}'}}")
    assert read_file(tmp_path / "compose.yaml", variables={"TAG": "8"}).specs[0].image == "own:8"


def test_a_faulty_line_of_the_file_beside_it_is_told_and_the_others_hold(tmp_path):
    (tmp_path / ".env").write_text("=1\nTAG=7\n")
    (tmp_path / "compose.yaml").write_text("services: {web: {image: 'x:${TAG}'}}")
    file = read_file(tmp_path / "compose.yaml", variables={})
    assert codes(file) == [("T1174", f"{tmp_path}/.env:1", "warning")]
    assert file.specs[0].image == "x:7"


PROFILES = """
services:
  web: {image: x}
  debug: {image: x, profiles: [dev, test]}
"""


@pytest.mark.parametrize(
    ("options", "awake"),
    [
        ({}, ["web"]),
        ({"profiles": ["dev"]}, ["web", "debug"]),
        ({"profiles": ["*"]}, ["web", "debug"]),
        ({"variables": {"COMPOSE_PROFILES": "a,test"}}, ["web", "debug"]),
        ({"profiles": ["other"]}, ["web"]),
    ],
)
def test_a_service_with_profiles_runs_only_where_one_is_chosen(options, awake):
    file = compose(PROFILES, **options)
    assert [service.name for service in file.services] == awake
    assert file.dormant == (() if "debug" in awake else ("debug",))


def test_a_dependency_that_is_not_there_or_asleep_is_an_error_unless_it_is_not_required():
    file = compose("""
        services:
          a: {image: x, depends_on: [gone]}
          b: {image: x, depends_on: [debug]}
          c: {image: x, depends_on: {gone: {condition: service_started, required: false}}}
          debug: {image: x, profiles: [dev]}
        """)
    assert codes(file) == [("T1180", "compose.yaml:3", "error"), ("T1180", "compose.yaml:4", "error")]


def test_services_that_wait_for_each_other_are_an_error_that_names_the_way_round():
    file = compose("""
        services:
          a: {image: x, depends_on: [b]}
          b: {image: x, links: [c]}
          c: {image: x, labels: {aliyun.depends: "a"}}
        """)
    (problem,) = file.problems
    assert (problem.code, problem.place) == ("T1181", "compose.yaml:3")
    assert "a -> b -> c -> a" in problem.text


def test_unknown_keys_on_top_are_named_and_remarks_are_not():
    file = compose("services: {web: {image: x}}\nx-a: {b: 1}\nmodels: {m: {}}\ninclude: [other.yaml]\nsecret: {}\n")
    assert [(problem.code, problem.place) for problem in file.problems] == [
        ("T1131", "compose.yaml:4"),
        ("T1131", "compose.yaml:3"),
        ("T1131", "compose.yaml:5"),
    ]


def test_anchors_and_merge_keys_are_followed():
    file = compose("""
        x-base: &base
          image: base:1
          environment: &env {A: "1", B: "1"}
        services:
          web:
            <<: *base
            environment: {<<: *env, B: "2"}
        """)
    assert file.problems == ()
    assert (file.specs[0].image, file.specs[0].environment) == ("base:1", {"A": "1", "B": "2"})


def test_a_service_that_is_somewhere_else_has_no_container_and_its_callers_know_its_address():
    file = compose("""
        rds:
          external: {host: 10.1.2.3, ports: [3306]}
        web:
          image: x
          links: ["rds:db"]
        """)
    assert file.problems == ()
    assert [spec.name for spec in file.specs] == ["shop-web-1"]
    assert file.service("rds").external.host == "10.1.2.3"
    assert file.service("rds").external.ports == (3306,)
    assert file.specs[0].extra_hosts == ("rds:10.1.2.3", "db:10.1.2.3")


def test_an_outside_service_known_by_a_name_only_cannot_be_given_another_and_that_is_told():
    file = compose("services: {rds: {external: {host: db.example.test}}, web: {image: x, links: [rds, 'rds:db']}}")
    assert [(problem.code, "as rds, not as db" in problem.text) for problem in file.problems] == [("T1179", True)]
    assert file.specs[0].extra_hosts == ()


def test_labels_of_an_outside_service_count_and_what_only_a_container_has_is_named():
    file = compose("""
        rds:
          image: mysql
          restart: always
          external: {host: 10.1.2.3}
          labels: {aliyun.routing.port_80: rds}
        """)
    assert {problem.text.partition(" ")[0] for problem in file.problems} == {"rds.image", "rds.restart"}
    assert {problem.code for problem in file.problems} == {"T1131"}
    assert file.service("rds").template.labels["aliyun.routing.port_80"] == "rds"


def test_labels_without_effect_are_named_once_for_the_whole_file():
    file = compose("""
        a:
          image: x
          labels: {aliyun.log_store_app: stdout, aliyun.logs: /var/log}
        b:
          image: x
          labels: {aliyun.monitoring.script: sh gather.sh, aliyun.scale: 2}
        """)
    (problem,) = file.problems
    assert (problem.code, problem.severity.value, problem.place) == ("T1177", "warning", "compose.yaml:4")
    for label in ("aliyun.log_store_app", "aliyun.logs", "aliyun.monitoring.script"):
        assert label in problem.text
        assert label in {name for spec in file.specs for name in spec.labels}
    assert "aliyun.scale" not in problem.text


def template(name):
    return read_file(ROOT / "examples" / "acs" / name, project="t", variables={})


def test_a_template_of_the_original_system_with_links_and_replicas_is_understood():
    file = template("wordpress.yaml")
    assert file.errors == ()
    web, db = file.service("web"), file.service("db")
    assert (web.scale, web.template.restart, file.start_order) == (3, "always", ("db", "web"))
    assert web.template.environment == {"WORDPRESS_AUTH_KEY": "changeme", "WORDPRESS_SECURE_AUTH_KEY": "changeme"}
    assert db.template.networks == {"t_default": Attachment(aliases=("db", "mysql"))}
    assert web.template.labels["aliyun.routing.port_80"] == "http://wordpress"


def test_a_template_that_calls_through_the_mesh_needs_no_warning():
    file = template("restserver.yaml")
    assert file.problems == ()
    assert (file.service("server").scale, file.service("client").external_links) == (2, ("restserver.local",))


def test_a_template_with_scaling_logs_and_monitoring_is_understood_and_tells_what_it_leaves_to_others():
    file = template("scaling.yaml")
    assert [(problem.code, problem.severity.value) for problem in file.problems] == [("T1177", "warning")]
    worker = file.service("worker")
    assert (worker.scale, worker.template.labels["aliyun.auto_scaling.max_cpu"]) == (2, "70")


WORDS = st.sampled_from(
    ["", "80", "8080:80", "5m", "web", "./x:/y", "constraint:a==b", "a=b", "$X", "-1", "service:web", "target"]
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 100000), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)
SERVICE = st.dictionaries(st.sampled_from(sorted(KNOWN)), ANYTHING, max_size=6)
PARTS = dict.fromkeys(("volumes", "networks", "secrets", "configs", "name"), ANYTHING)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({"services": st.dictionaries(WORDS, SERVICE, max_size=3)}, optional=PARTS))
def test_whatever_a_file_says_it_is_read_and_survives_the_store(data):
    file = compose(json.dumps(data))
    again = msgspec.json.decode(msgspec.json.encode(file), type=ComposeFile)
    assert again == file
    assert [service.revision for service in again.services] == [service.revision for service in file.services]


@pytest.mark.parametrize(
    ("project", "variables", "name"),
    [
        ("Mine", {"COMPOSE_PROJECT_NAME": "theirs"}, "mine"),
        ("", {"COMPOSE_PROJECT_NAME": "theirs"}, "theirs"),
        ("", {}, "shopown"),
    ],
)
def test_the_project_is_named_on_the_line_by_the_environment_or_in_the_file(project, variables, name):
    file = compose("name: shop.own\nservices: {web: {image: x}}", project=project, variables=variables)
    assert (file.project, file.specs[0].name) == (name, f"{name}-web-1")


@pytest.mark.parametrize(
    "text",
    ["version: '3.8'", "version: '2'\nweb: {image: x}", "networks: {front: {}}", "include: [other.yaml]", "services:"],
)
def test_a_file_without_services_that_is_not_of_version_1_says_that_it_has_none(text):
    problems = compose(text).problems
    assert "T1130" in {problem.code for problem in problems}
    assert "T1137" not in {problem.code for problem in problems}


def test_a_service_of_version_1_may_be_called_like_a_part_of_later_ones():
    assert [spec.name for spec in compose("volumes: {image: x}\nversion: {image: y}").specs] == [
        "shop-volumes-1",
        "shop-version-1",
    ]
