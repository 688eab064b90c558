import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.statics import read_statics
from tidegate.errors import Severity
from tidegate.model import Backend, ProbeKind, ProbeSpec, ReleasePolicy
from tidegate.yamlfile import load


def read(text):
    return read_statics(load(text, "f.yaml"), "file:f.yaml", "n1")


def found(text):
    return [(problem.code, int(problem.place.rpartition(":")[2])) for problem in read(text).problems]


GOOD = """
services:
  web@v1:
    endpoints: ["127.0.0.1:9001", {address: "127.0.0.1:9002", weight: 2}]
    probe: {url: "http://container/healthz", interval_seconds: 0.5, timeout_seconds: 1}
  web@v2:
    weight: 0
    endpoints: ["[::1]:9003"]
  shop/api:
    version: v3
    endpoints:
      - 10.0.0.1:80
routes:
  - {host: A.test, path: /, backends: {web@v1: 90, web@v2: 10}}
  - host: "*.a.test"
    path: /api/
    backends: {shop/api: 100, other: 0}
dns:
  domain: mesh.internal
"""


def test_a_version_may_want_a_release():
    written = 'services: {web@v2: {endpoints: ["127.0.0.1:1"], release: RELEASE}}'
    canary = read(
        written.replace("RELEASE", "{canary: [5, 25], preview: {header: x=1}, gate: {hook: {load: http://ci.test/}}}")
    )
    assert canary.problems == ()
    release = canary.instances[0].release
    assert (release.strategy, release.shares, release.gates) == ("canary", (5, 25), {"hook.load": "http://ci.test/"})
    assert release.previews[0].headers[0].name == "x"
    assert read(written.replace("RELEASE", "{}")).instances[0].release == ReleasePolicy()
    for wrong, code in (("{canary: 200}", "T1256"), ("{cannary: 5}", "T1255"), ("[5]", "T1256")):
        assert found(written.replace("RELEASE", wrong)) == [(code, 1)]


def test_services_become_instances_at_their_addresses():
    statics = read(GOOD)
    assert statics.problems == ()
    assert [
        (each.id, each.name, each.version, each.weight, each.endpoint_weight, each.ports) for each in statics.instances
    ] == [
        ("file:web:127.0.0.1:9001", "web-1", "v1", 100, 1, (9001,)),
        ("file:web:127.0.0.1:9002", "web-2", "v1", 100, 2, (9002,)),
        ("file:web:[::1]:9003", "web-3", "v2", 0, 1, (9003,)),
        ("file:shop/api:10.0.0.1:80", "api-1", "v3", 100, 1, (80,)),
    ]
    first, _, third, fourth = statics.instances
    assert first.probe == ProbeSpec(kind=ProbeKind.HTTP, path="/healthz", interval_seconds=0.5, timeout_seconds=1.0)
    assert (first.networks[0].ipv4, third.networks[0].ipv6) == ("127.0.0.1", "::1")
    assert (fourth.project, fourth.service, fourth.key, fourth.node) == ("shop", "api", "shop/api", "n1")


def test_routes_name_services_and_versions():
    statics = read(GOOD)
    assert [(route.host, route.path, route.origin) for route in statics.routes] == [
        ("a.test", "/", "f.yaml:14"),
        ("*.a.test", "/api", "f.yaml:15"),
    ]
    assert statics.routes[0].backends == (
        Backend(service="web", version="v1", weight=90),
        Backend(service="web", version="v2", weight=10),
    )
    assert statics.routes[1].backends[0] == Backend(service="shop/api", version=None, weight=100)
    assert statics.domain == "mesh.internal"


def test_an_empty_file_is_good_and_empty():
    assert (read("").is_good, read("").instances, read("services:\nroutes:\n").is_good) == (True, (), True)


BAD = """
service: {}
services:
  web:
    version: v 1
    endpoint: []
    weight: lots
    endpoints: [localhost:80, "127.0.0.1", "127.0.0.1:0", "::1:80", "127.0.0.1:80", "127.0.0.1:80"]
    probe: {ulr: x, url: "https://container/", cmd: "true"}
  "bad name":
    endpoints: ["127.0.0.1:1"]
  none: {}
  text: yes
  web@v2@x: {endpoints: ["127.0.0.1:2"]}
  db@v1: {version: v2, endpoints: ["127.0.0.1:3"]}
routes:
  - {host: a.test, backends: {web: 101x}}
  - {hots: a.test, backends: {}}
  - {host: a_b.test, path: nope, backends: {web: 1}}
  - {host: web, backends: {web: 1}}
  - {host: c.test, backends: {wbe: 1, web: 1}}
  - {host: c.test, backends: {web: 2}}
  - just text
dns: {domian: x, domain: "*.x"}
"""


def test_every_mistake_is_told_at_once_with_its_line():
    assert sorted(found(BAD), key=lambda each: (each[1], each[0])) == [
        ("T1255", 2),
        ("T1256", 5),
        ("T1255", 6),
        ("T1256", 7),
        ("T1256", 8),
        ("T1256", 8),
        ("T1256", 8),
        ("T1256", 8),
        ("T1259", 8),
        ("T1207", 9),
        ("T1255", 9),
        ("T1255", 9),
        ("T1256", 10),
        ("T1257", 12),
        ("T1256", 13),
        ("T1257", 13),
        ("T1256", 14),
        ("T1256", 15),
        ("T1256", 17),
        ("T1255", 18),
        ("T1257", 18),
        ("T1257", 18),
        ("T1256", 19),
        ("T1256", 19),
        ("T1256", 20),
        ("T1258", 21),
        ("T1259", 22),
        ("T1256", 23),
        ("T1255", 24),
        ("T1256", 24),
    ]


def test_a_mistake_comes_with_the_nearest_right_word_and_what_is_kept():
    problem = next(problem for problem in read(BAD).problems if "endpoint'" in problem.text)
    assert problem.mend == "did you mean endpoints?"
    assert "last good content" in problem.kept
    warning = next(problem for problem in read(BAD).problems if problem.code == "T1258")
    assert (warning.mend, warning.severity) == ("did you mean web?", Severity.WARNING)


def test_a_backend_of_another_provider_is_no_mistake():
    assert found("routes: [{host: a.test, backends: {shop/web: 1}}]") == []


def test_a_service_of_others_is_another_name_for_its_host():
    (instance,) = read("services: {shop/mail: {external: SMTP.example.org.}}").instances
    assert (instance.key, instance.external, instance.ports, instance.networks) == (
        "shop/mail",
        "smtp.example.org",
        (),
        (),
    )


@pytest.mark.parametrize(
    "service", ["{external: mail}", "{external: '*.example.org'}", "{external: a.test, weight: 1}", "{external: ''}"]
)
def test_a_service_of_others_has_one_full_host_and_nothing_else(service):
    assert [problem.code for problem in read(f"services: {{mail: {service}}}").problems] == ["T1256"]


def test_syntax_errors_come_first_and_nothing_is_applied():
    statics = read("services: [1\nroutes: ]\nx: 1\n")
    assert statics.problems[0].code == "T1250"
    assert not statics.is_good
    assert statics.problems[0].kept


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "services",
                    "routes",
                    "dns",
                    "web",
                    "endpoints",
                    "probe",
                    "host",
                    "path",
                    "backends",
                    "url",
                    "domain",
                    "defaults",
                    "retry",
                    "tries",
                    "filter",
                    "allow",
                    "match",
                    "header",
                    "weight",
                    "external",
                    "release",
                    "canary",
                    "gate",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


class Shaped:
    """A document around any data."""

    problems = ()

    def __init__(self, data):
        self.data = data

    def place(self, path):
        return f"f.yaml:{len(path)}"


@given(ANY)
def test_no_shape_of_data_makes_it_raise(data):
    statics = read_statics(Shaped(data), "file")
    assert all(problem.place and problem.text for problem in statics.problems)


@pytest.mark.parametrize("text", ["1.2.3.4:80", "[::1]:80"])
def test_addresses_of_both_families_are_taken(text):
    assert found(f'services: {{a: {{endpoints: ["{text}"]}}}}') == []


def test_a_route_takes_settings_nested_or_dotted_and_the_defaults_are_kept_apart():
    statics = read(
        """
defaults: {timeout: {connect_seconds: 1}, filter: {compress: true}}
routes:
  - host: a.test
    backends: {web: 1}
    retry: {tries: 2}
    limit.body_bytes: 1MiB
    filter:
      allow: [10.0.0.0/8, 192.0.2.1]
      header: {response: {set: {X-A: b}}}
    page: {503: "<p>later</p>"}
"""
    )
    assert statics.problems == ()
    assert statics.defaults == {"timeout.connect_seconds": "1", "filter.compress": "on"}
    assert statics.routes[0].settings == {
        "retry.tries": "2",
        "limit.body_bytes": "1MiB",
        "filter.allow": "10.0.0.0/8, 192.0.2.1/32",
        "filter.header.response.set.x-a": "b",
        "page.503": "<p>later</p>",
    }


def test_routes_of_one_host_and_path_are_told_apart_by_their_conditions():
    beta = "{host: a.test, backends: {web: 1}, match: {header: {X-Beta: 1}, method: [GET, POST]}}"
    statics = read(f"routes: [{{host: a.test, backends: {{web: 1}}}}, {beta}]")
    assert statics.problems == ()
    assert [str(route.match or "") for route in statics.routes] == ["", "method=GET+POST&header.x-beta=1"]
    assert [problem.code for problem in read(f"routes: [{beta}, {beta}]").problems] == ["T1259"]


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        ("retry: {tires: 2}", "T1255", "did you mean retry.tries?"),
        ("retries: {tries: 2}", "T1255", "retry"),
        ("retry: {tries: 0}", "T1256", ""),
        ("retry: {tries: {a: 1}}", "T1255", ""),
        ("retry: {tries: }", "T1256", ""),
        ("filter: {allow: [{a: 1}]}", "T1256", ""),
        ("filter: {rate: {burst: 5}}", "T1256", "filter.rate.per_second"),
        ("match: {header: {X-A: ''}}", "T1256", ""),
        ("match: 1", "T1256", ""),
        ("retry: {tries: 2}, retry.tries: 3", "T1256", "keep one"),
    ],
)
def test_a_wrong_setting_of_a_file_is_told_with_its_line_and_nothing_is_applied(entry, code, words):
    statics = read("routes:\n  - {host: a.test, backends: {web: 1},\n     " + entry + "}")
    assert not statics.is_good
    (problem,) = statics.problems
    assert problem.code == code
    assert words in problem.mend + problem.text
    assert problem.place.endswith(":3")


def test_conditions_are_no_defaults():
    assert [problem.code for problem in read("defaults: {match: {method: GET}}").problems] == ["T1255"]
