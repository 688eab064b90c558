import pytest

from tests.support.compose import compose, faults, service, spec
from tests.support.tree import ROOT
from tidegate.engine.spec import Attachment, Logging, Mount, MountKind
from tidegate.placement.resources import Resources
from tidegate.stacks.service import Condition, Dependency, Update
from tidegate.stacks.service_reader import KNOWN

DATA = "volumes: {data: {}}\n"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("domainname: example.test", "domainname", "example.test"),
        ("platform: linux/arm64", "platform", "linux/arm64"),
        ("entrypoint: []", "entrypoint", ("",)),
        ("dns_search: [a.test, b.test]", "dns_search", ("a.test", "b.test")),
        ("dns_opt: [ndots:1]", "dns_options", ("ndots:1",)),
        ("dns_options: ['use-vc']", "dns_options", ("use-vc",)),
        ("extra_hosts: ['db:10.0.0.1']", "extra_hosts", ("db:10.0.0.1",)),
        ("init: false", "init", False),
        ("tty: true", "tty", True),
        ("stdin_open: true", "stdin_open", True),
        ("tmpfs: /run", "tmpfs", {"/run": ""}),
        ("tmpfs: ['/run:size=64m,mode=700', /tmp]", "tmpfs", {"/run": "size=64m,mode=700", "/tmp": ""}),
        ("logging: {driver: syslog, options: {tag: 1}}", "logging", Logging(driver="syslog", options={"tag": "1"})),
        ("log_driver: none\nlog_opt: {a: b}", "logging", Logging(driver="none", options={"a": "b"})),
        ("expose: [80, '53/udp']", "udp_ports", (53,)),
        ("network_mode: 'container:other'", "network_mode", "container:other"),
        ("deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}", "restart", "on-failure:3"),
        ("restart: always\ndeploy: {restart_policy: {condition: none}}", "restart", "no"),
    ],
)
def test_a_key_reaches_the_container(text, field, value):
    assert getattr(spec(text), field) == value


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("labels: {aliyun.global: true}", "everywhere", True),
        ("labels: {tidegate.global: 'false', aliyun.global: 'true'}", "everywhere", False),
        ("deploy: {mode: global}", "everywhere", True),
        ("labels: {aliyun.latest_image: 'true'}", "latest_image", True),
        ("pull_policy: if_not_present", "pull_policy", "missing"),
        ("labels: {aliyun.rolling_updates: 'true'}", "update", Update(rolling=True)),
        (
            "labels: {aliyun.rolling_updates: 'true', aliyun.rolling_updates.parallelism: 3}",
            "update",
            Update(rolling=True, parallelism=3),
        ),
        (
            "labels: {aliyun.rolling_updates: 'true', aliyun.rolling_updates.parallelism: many}",
            "update",
            Update(rolling=True),
        ),
        ("external_links: [restserver.local]", "external_links", ("restserver.local",)),
        ("environment: ['constraint:group==db']", "expressions", ("constraint:group==db",)),
        ("environment: {constraint: group==db}", "expressions", ("constraint:group==db",)),
        (
            "environment: ['affinity:service!=~db', 'availability:az==~2', 'reschedule:on-node-failure']",
            "expressions",
            ("affinity:service!=~db", "availability:az==~2", "reschedule:on-node-failure"),
        ),
        (
            "labels: {com.docker.swarm.constraints: '[\"group==db\"]'}",
            "expressions",
            ("constraint:group==db",),
        ),
        ("labels: {tidegate.reschedule: 'off'}", "expressions", ("reschedule:off",)),
        (
            "deploy: {placement: {constraints: [node.role == manager]}}",
            "expressions",
            ("constraint:node.role == manager",),
        ),
        ("deploy: {placement: {preferences: [{spread: node.labels.zone}]}}", "spread", ("node.labels.zone",)),
        ("deploy: {placement: {max_replicas_per_node: 2}}", "max_per_node", 2),
    ],
)
def test_a_wish_stands_beside_the_container(text, field, value):
    assert getattr(service(text), field) == value


def test_placement_expressions_are_taken_out_of_the_environment_and_labels_stay():
    text = "environment: [A=1, 'constraint:group==db', B=x==y]\nlabels: {aliyun.scale: '2', aliyun.global: 'false'}"
    found = service(text)
    assert found.template.environment == {"A": "1", "B": "x==y"}
    assert found.template.labels["aliyun.scale"] == "2"
    assert found.scale == 2


def test_an_expression_that_says_nothing_usable_is_an_error_at_its_line():
    assert faults("environment:\n  - A=1\n  - 'constraint:group'\n  - 'availability:az==many'") == [
        ("T2200", 1),
        ("T2203", 1),
    ]


@pytest.mark.parametrize(
    ("text", "cpu", "memory"),
    [
        ("deploy: {resources: {reservations: {cpus: '0.5', memory: 64m}}}", 0.5, 64 << 20),
        ("mem_reservation: 32m", 0.0, 32 << 20),
        ("mem_limit: 64m\ncpu_shares: 512", 0.0, 0),
        ("mem_limit: 64m\ncpu_shares: 200\nlabels: {aliyun.scale: 1}", 2.0, 64 << 20),
        ("cpu_shares: 50\nenvironment: ['constraint:group==db']", 0.5, 0),
    ],
)
def test_what_is_set_aside_for_a_replica(text, cpu, memory):
    assert service(text).reservation == Resources(cpu=cpu, memory=memory)


def test_dependencies_come_from_every_place_that_says_them():
    file = compose("""
        services:
          web:
            image: x
            depends_on: {db: {condition: service_healthy, required: false}}
            links: ["cache:store", db]
            labels: {aliyun.depends: "queue, db"}
            pid: service:side
          db: {image: x}
          cache: {image: x}
          queue: {image: x}
          side: {image: x}
        """)
    assert file.problems == ()
    assert file.service("web").depends == (
        Dependency(service="db", condition=Condition.HEALTHY, required=False),
        Dependency(service="queue"),
        Dependency(service="cache"),
        Dependency(service="side"),
    )
    assert file.start_order == ("db", "cache", "queue", "side", "web")


def test_variables_of_files_are_under_those_of_the_service():
    files = {"/srv/shop/a.env": "A=1\nB=${TAG}\nC", "/etc/b.env": "A=2\nD='$x'\n", "/srv/shop/raw.env": "E='$x' # y\n"}
    text = """
        env_file:
          - a.env
          - path: /etc/b.env
          - {path: none.env, required: false}
          - {path: raw.env, format: raw}
        environment: {B: own}
        """
    assert spec(text, files=files).environment == {"A": "2", "B": "own", "D": "$x", "E": "'$x' # y"}


def test_a_file_of_variables_that_is_missing_is_an_error():
    assert faults("env_file: none.env") == [("T1173", 1)]


def test_a_wrong_line_of_a_file_of_variables_is_an_error_that_names_the_line():
    file = compose("services: {web: {image: x, env_file: a.env}}", files={"/srv/shop/a.env": "A=1\n=2\n"})
    assert [problem.code for problem in file.problems] == ["T1174"]
    assert "a.env, line 2" in file.problems[0].text


def test_secrets_and_configs_that_are_files_are_mounted_for_reading():
    text = "secrets: [key, {source: key, target: other}]\nconfigs: [conf, {source: conf, target: /etc/app.conf}]"
    top = "secrets: {key: {file: ./key.txt}}\nconfigs: {conf: {file: /etc/conf}}"
    file = {"kind": MountKind.BIND, "read_only": True, "create_source": False}
    assert spec(text, top).mounts == (
        Mount(source="/etc/conf", target="/conf", **file),
        Mount(source="/etc/conf", target="/etc/app.conf", **file),
        Mount(source="/srv/shop/key.txt", target="/run/secrets/key", **file),
        Mount(source="/srv/shop/key.txt", target="/run/secrets/other", **file),
    )


def test_a_secret_that_is_no_file_is_an_error_where_it_is_used():
    assert faults("secrets: [key, gone]", "secrets: {key: {environment: KEY}}") == [
        ("T1131", 2),
        ("T1172", 1),
        ("T1172", 1),
    ]


@pytest.mark.parametrize(
    "key",
    [
        "build: .",
        "label_file: a",
        "mac_address: '02:42'",
        "include: [a]",
        "volumes_from: [a]",
        "develop: {}",
        "imgae: y",
    ],
)
def test_a_key_that_is_not_supported_is_named(key):
    assert faults(key) == [("T1131", 1)]


@pytest.mark.parametrize("key", ["x-note: 1", "profiles: []", "image: y", "command: null", "labels: null"])
def test_a_key_that_says_nothing_is_no_problem(key):
    assert (
        compose(
            f"services: {{web: {{image: x}}, other: {{image: z, {key}}}}}".replace("image: z, image: y", "image: y")
        ).problems
        == ()
    )


@pytest.mark.parametrize(
    "text",
    ["pull_policy: daily", "external_links: ['']", "scale: 1001", "deploy: {replicas: -1}"],
)
def test_a_value_that_cannot_be_is_told(text):
    assert len(faults(text)) == 1


def test_an_alias_of_somebody_elses_container_is_for_the_service_alone():
    template = spec("external_links: ['other_db_1:database', plain]\nnetworks: [default]")
    assert template.networks == {"shop_default": Attachment(aliases=("web",), links=("other_db_1:database",))}


def test_every_key_that_is_read_stands_in_the_documentation():
    page = (ROOT / "docs" / "compose.md").read_text("utf-8")
    assert not [key for key in KNOWN if f"`{key}`" not in page]


def test_an_empty_command_is_no_word_and_needs_an_entrypoint_to_take_the_images_away():
    assert spec("entrypoint: [/bin/app]\ncommand: []").command == ()
    assert service("command: ''").template.command == ()
    assert faults("command: []") == [("T1131", 1)]


def test_what_is_shared_with_a_service_is_its_first_container_by_whatever_name():
    file = compose("""
        services:
          web: {image: x, network_mode: "service:vpn", pid: "service:db"}
          vpn: {image: x, container_name: tunnel}
          db: {image: x}
        """)
    assert file.problems == ()
    web = next(each for each in file.specs if each.name == "shop-web-1")
    assert (web.network_mode, web.isolation.pid) == ("container:tunnel", "container:shop-db-1")


def test_a_number_with_zeros_before_it_stays_as_it_is_written():
    template = spec("environment: {PIN: 0123}\nlabels: {commit: 0012345}")
    assert (template.environment["PIN"], template.labels["commit"]) == ("0123", "0012345")
