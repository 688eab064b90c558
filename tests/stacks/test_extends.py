import pytest

from tests.support.compose import codes, compose
from tidegate.engine.spec import Mount, MountKind
from tidegate.stacks.extends import merged


def test_a_service_begins_with_what_another_one_says():
    file = compose("""
        services:
          base:
            image: base:1
            command: [one, two]
            environment: [A=1, B=1]
            labels: {x: "1"}
            dns: [10.0.0.1]
            healthcheck: {test: [CMD, "true"], retries: 3}
          web:
            extends: base
            command: [own]
            environment: {B: "2"}
            labels: [y=2]
            dns: [10.0.0.2]
            healthcheck: {test: [CMD, own]}
          again:
            extends: {service: web}
            image: again:1
        """)
    assert file.problems == ()
    web, again = (file.service(name).template for name in ("web", "again"))
    assert (web.image, web.command, web.environment) == ("base:1", ("own",), {"A": "1", "B": "2"})
    assert (web.labels["x"], web.labels["y"], web.dns) == ("1", "2", ("10.0.0.2", "10.0.0.1"))
    assert (web.healthcheck.test, web.healthcheck.retries) == (("CMD", "own"), 3)
    assert (again.image, again.command) == ("again:1", ("own",))


def test_paths_of_another_file_are_meant_from_its_folder_and_variables_are_filled():
    base = """
services:
  base:
    image: "base:${TAG}"
    volumes: ["./data:/data", {type: bind, source: conf, target: /conf}, "/abs:/abs"]
    env_file: [base.env, {path: opt.env, required: false}]
  deep: {extends: base}
"""
    files = {"/srv/common/base.yaml": base, "/srv/common/base.env": "A=1\n"}
    file = compose("services: {web: {extends: {file: ../common/base.yaml, service: deep}}}", files=files)
    assert file.problems == ()
    (spec,) = file.specs
    assert (spec.image, spec.environment) == ("base:2", {"A": "1"})
    assert spec.mounts == tuple(
        Mount(kind=MountKind.BIND, source=source, target=target)
        for source, target in (("/srv/common/data", "/data"), ("/srv/common/conf", "/conf"), ("/abs", "/abs"))
    )


def test_another_file_may_be_of_version_1():
    file = compose(
        "services: {web: {extends: {file: a.yaml, service: b}}}", files={"/srv/shop/a.yaml": "b: {image: old}"}
    )
    assert file.specs[0].image == "old"


@pytest.mark.parametrize(
    "text",
    [
        "{a: {image: x, extends: a}}",
        "{a: {image: x, extends: gone}}",
        "{a: {image: x, extends: {file: gone.yaml, service: a}}}",
        "{a: {image: x, extends: {}}}",
    ],
)
def test_what_cannot_be_extended_is_an_error(text):
    assert codes(compose(f"services: {text}")) == [("T1175", "compose.yaml:1", "error")]


def test_services_that_extend_each_other_are_named():
    file = compose("services: {a: {image: x, extends: b}, b: {image: x, extends: a}}")
    assert {problem.code for problem in file.problems} == {"T1175"}
    assert "a -> b -> a" in file.problems[0].text


def test_what_is_wrong_with_the_other_file_is_told_at_its_own_line():
    file = compose(
        "services: {a: {extends: {file: b.yaml, service: b}}}", files={"/srv/shop/b.yaml": "b:\n  image: ${-}\n"}
    )
    assert ("T1134", "/srv/shop/b.yaml:2", "error") in codes(file)


def test_inherited_things_that_are_wrong_are_told_at_the_heir():
    file = compose("services:\n  b: {image: x, profiles: [no], ports: [x]}\n  a:\n    extends: b\n    profiles: []\n")
    assert ("T1136", "compose.yaml:2", "error") not in codes(file)


@pytest.mark.parametrize(
    ("own", "base", "both"),
    [
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 1, "b": 3}),
        ([1, 2], [2, 3], [1, 2, 3]),
        ("own", {"a": 1}, "own"),
        ({"command": ["own"]}, {"command": ["base", "more"]}, {"command": ["own"]}),
        (
            {"depends_on": ["a"]},
            {"depends_on": {"b": {"condition": "service_healthy"}}},
            {"depends_on": {"a": None, "b": {"condition": "service_healthy"}}},
        ),
        (
            {"networks": {"a": {"aliases": ["x"]}}},
            {"networks": ["b", "a"]},
            {"networks": {"a": {"aliases": ["x"]}, "b": None}},
        ),
        ({"dns": "10.0.0.1"}, {"dns": ["10.0.0.2"]}, {"dns": ["10.0.0.1", "10.0.0.2"]}),
        ({"env_file": "own.env"}, {"env_file": ["base.env"]}, {"env_file": ["base.env", "own.env"]}),
        (
            {"environment": ["A=1", "B"]},
            {"environment": {"A": "2", "C": "3"}},
            {"environment": {"A": "1", "B": None, "C": "3"}},
        ),
    ],
)
def test_own_values_go_first(own, base, both):
    assert merged(own, base) == both


def test_what_a_service_mounts_and_sets_itself_goes_before_what_it_inherits():
    file = compose(
        """
        services:
          base:
            image: x
            volumes: ["./base:/data", "./more:/more:ro", /cache]
            env_file: base.env
          web:
            extends: base
            volumes: ["./own:/data", {type: tmpfs, target: /cache}]
            env_file: [own.env]
        """,
        files={"/srv/shop/base.env": "A=base\nB=base\n", "/srv/shop/own.env": "A=own\n"},
    )
    assert file.problems == ()
    web = file.service("web").template
    assert {mount.target: mount.source for mount in web.mounts} == {
        "/data": "/srv/shop/own",
        "/cache": "",
        "/more": "/srv/shop/more",
    }
    assert web.environment == {"A": "own", "B": "base"}
