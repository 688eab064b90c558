import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.file import check_file
from tidegate.discovery.labels import check_labels, is_enabled, read_labels, understand
from tidegate.discovery.vocabulary import APPLIED
from tidegate.engine.port import ContainerDetail
from tidegate.errors import Severity
from tidegate.model import DnsMode, EngineHealth, InstanceState, ProbeKind, ProbeSpec, ReleasePolicy
from tidegate.yamlfile import load

EXAMPLES = Path(__file__).parent / "examples"


def container(labels, **more):
    more = {"id": "c1", "name": "shop-web-1", "image": "web:1", "state": InstanceState.RUNNING} | more
    return ContainerDetail(labels=labels, **more)


def seen(labels, **more):
    return understand(container(labels, **more), "docker", "n1")


def routes(labels, **more):
    return [(claim.port, claim.host, claim.path, claim.scheme) for claim in seen(labels, **more).claims]


def codes(labels, **more):
    return [problem.code for problem in seen(labels, **more).problems]


A80 = "aliyun.routing.port_80"
T80 = "tidegate.routing.port_80"


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        (A80, "http://web.example.test", [(80, "web.example.test", "/", "http")]),
        (A80, "web.example.test", [(80, "web.example.test", "/", "http")]),
        (A80, "wordpress", [(80, "wordpress.local", "/", "http")]),
        (A80, "http://wordpress", [(80, "wordpress.local", "/", "http")]),
        (A80, "restserver.local", [(80, "restserver.local", "/", "http")]),
        (A80, "WEB.Example.Test/Api/", [(80, "web.example.test", "/Api", "http")]),
        (A80, "https://a.test;wss://b.test", [(80, "a.test", "/", "https"), (80, "b.test", "/", "https")]),
        (A80, "ws://a.test/chat", [(80, "a.test", "/chat", "http")]),
        (A80, " a.test ; b.test/x ;", [(80, "a.test", "/", "http"), (80, "b.test", "/x", "http")]),
        (A80, "http://a.test;https://a.test", [(80, "a.test", "/", "http")]),
        (A80, "https://a.test;http://a.test", [(80, "a.test", "/", "http")]),
        (A80, "xn--bcher-kva.example", [(80, "xn--bcher-kva.example", "/", "http")]),
        ("aliyun.routing.port_8080", "a.test/x/y_z.html", [(8080, "a.test", "/x/y_z.html", "http")]),
        (T80, "*.a.test/~u", [(80, "*.a.test", "/~u", "http")]),
        (T80, "*.test", [(80, "*.test", "/", "http")]),
        (T80, "a.test/a%20b", [(80, "a.test", "/a%20b", "http")]),
    ],
)
def test_a_routing_label_claims_its_hosts(label, value, expected):
    assert routes({label: value}) == expected
    assert codes({label: value}) == []


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [
        (A80, "", "empty"),
        (A80, " ; ", "empty"),
        (A80, "http://", "missing"),
        (A80, "/only/path", "missing"),
        (A80, "ftp://a.test", "scheme 'ftp'"),
        (A80, "https://prefix", "full domain"),
        (A80, "wss://prefix/x", "full domain"),
        (A80, "*.a.test", "wildcard"),
        (T80, "a.*.test", "wildcard inside"),
        (T80, "*", "wildcard inside"),
        (A80, "a.test:8080", "carries a port"),
        (A80, "my_app.test", "underscore"),
        (A80, "a..test", "no DNS label"),
        (A80, "-a.test", "no DNS label"),
        (A80, "a.test.", "ends in a dot"),
        (A80, f"{'a' * 64}.test", "no DNS label"),
        (A80, f"{'a.' * 70}test", "longer than 127"),
        (T80, f"{'a.' * 150}test", "longer than 253"),
        (A80, "10.0.0.1", "top-level"),
        (T80, "[::1]", "carries a port"),
        (A80, "b\u00fccher.example", "not ASCII"),
        (A80, "x.alicontainer.com", "vendor"),
        (A80, "a.test/x?y=1", "not a plain path"),
        (A80, "a.test/~u", "not a plain path"),
        (T80, "a.test/a b", "not a plain path"),
        (T80, "a.test/../b", "'..'"),
        (T80, "a.test//b", "empty"),
        (A80, "a.test/" + "x" * 200, "longer than 127"),
        (A80, "user@a.test", "no DNS label"),
    ],
)
def test_a_bad_route_is_refused_and_takes_no_other_down(label, value, words):
    instance = seen(
        {label: f"good.test;{value};fine.test" if value.strip(" ;") else value, "tidegate.host": "own.test"},
        exposed=(80,),
    )
    assert [problem.code for problem in instance.problems] == ["T1202"]
    assert words in instance.problems[0].text
    assert instance.problems[0].place == f"container shop-web-1, label {label}"
    assert "own.test" in [claim.host for claim in instance.claims]
    assert not value.strip(" ;") or {"good.test", "fine.test"} <= {claim.host for claim in instance.claims}


@pytest.mark.parametrize("port", ["0", "65536", "http", "", "-1", "080", "8 0", "99999999999", "\u0661"])
def test_a_label_for_no_port_is_refused(port):
    assert codes({f"aliyun.routing.port_{port}": "a.test", A80: "b.test"}) == ["T1201"]
    assert routes({f"aliyun.routing.port_{port}": "a.test", A80: "b.test"}) == [(80, "b.test", "/", "http")]


def test_raw_tcp_is_told_to_be_unsupported():
    instance = seen({A80: "tcp://a.test;b.test"})
    assert [(problem.code, problem.severity) for problem in instance.problems] == [("T1204", Severity.WARNING)]
    assert [claim.host for claim in instance.claims] == ["b.test"]


def test_the_same_route_twice_in_one_label_is_an_error():
    assert codes({A80: "a.test;http://A.test/"}) == ["T1205"]
    assert routes({A80: "a.test;http://A.test/"}) == [(80, "a.test", "/", "http")]


def test_one_route_cannot_lead_to_two_ports_of_a_container():
    labels = {"aliyun.routing.port_9000": "a.test", A80: "a.test"}
    assert codes(labels) == ["T1205"]
    assert routes(labels) == [(80, "a.test", "/", "http")]


def test_the_same_claim_by_both_prefixes_is_no_problem():
    assert (codes({A80: "a.test", T80: "a.test"}), len(routes({A80: "a.test", T80: "a.test"}))) == ([], 1)


def test_a_container_claims_at_most_32_hosts():
    instance = seen({A80: ";".join(f"h{i}.test" for i in range(34)), "tidegate.routing.port_81": "h0.test/more"})
    assert [problem.code for problem in instance.problems] == ["T1210", "T1210"]
    assert len({claim.host for claim in instance.claims}) == 32
    assert instance.claims[-1].path == "/more"


def test_a_prefix_gets_the_root_domain():
    instance = understand(container({A80: "web"}), "docker", "n1", root_domain="apps.example.org")
    assert instance.claims[0].host == "web.apps.example.org"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"aliyun.probe.url": "http://container"}, ProbeSpec(kind=ProbeKind.HTTP, port=80)),
        ({"aliyun.probe.url": "http://container:80"}, ProbeSpec(kind=ProbeKind.HTTP, port=80)),
        ({"aliyun.probe.url": "http://container:8080/h?x=1"}, ProbeSpec(kind=ProbeKind.HTTP, port=8080, path="/h?x=1")),
        ({"aliyun.probe.url": "tcp://container:3306"}, ProbeSpec(kind=ProbeKind.TCP, port=3306)),
        (
            {"aliyun.probe.cmd": "/check.sh -a 'b c'"},
            ProbeSpec(kind=ProbeKind.COMMAND, command=("/check.sh", "-a", "b c")),
        ),
        (
            {"aliyun.probe.cmd": "curl -f http://x | grep ok"},
            ProbeSpec(kind=ProbeKind.COMMAND, command=("/bin/sh", "-c", "curl -f http://x | grep ok")),
        ),
        (
            {
                "aliyun.probe.url": "http://container",
                "aliyun.probe.timeout_seconds": "5",
                "aliyun.probe.initial_delay_seconds": "10",
            },
            ProbeSpec(kind=ProbeKind.HTTP, port=80, timeout_seconds=5, initial_delay_seconds=10),
        ),
        (
            {
                "tidegate.probe.url": "http://container/healthz",
                "tidegate.probe.interval_seconds": "0.5",
                "tidegate.probe.timeout_seconds": "0.25",
                "tidegate.probe.rise": "2",
                "tidegate.probe.fall": "5",
            },
            ProbeSpec(kind=ProbeKind.HTTP, path="/healthz", interval_seconds=0.5, timeout_seconds=0.25, rise=2, fall=5),
        ),
        ({"tidegate.probe.path": "/up"}, ProbeSpec(kind=ProbeKind.HTTP, path="/up")),
        (
            {"tidegate.probe.path": "/up", "tidegate.probe.port": "81"},
            ProbeSpec(kind=ProbeKind.HTTP, port=81, path="/up"),
        ),
        ({"tidegate.probe.port": "81"}, ProbeSpec(kind=ProbeKind.TCP, port=81)),
        (
            {"aliyun.probe.url": "http://container", "tidegate.probe.cmd": "true", "aliyun.probe.timeout_seconds": "9"},
            ProbeSpec(kind=ProbeKind.COMMAND, command=("true",), timeout_seconds=9),
        ),
        ({}, None),
    ],
)
def test_probe_labels_make_the_probe(labels, expected):
    instance = seen(labels)
    assert instance.problems == ()
    assert instance.probe == expected


@pytest.mark.parametrize(
    "labels",
    [
        {"aliyun.probe.url": "http://127.0.0.1/"},
        {"aliyun.probe.url": "https://container/"},
        {"aliyun.probe.url": "tcp://container"},
        {"aliyun.probe.url": "tcp://container:80/x"},
        {"aliyun.probe.url": "http://container:0/"},
        {"aliyun.probe.url": "http://container:70000/"},
        {"aliyun.probe.url": "http://container/a b"},
        {"aliyun.probe.url": ""},
        {"aliyun.probe.cmd": ""},
        {"aliyun.probe.cmd": "echo 'open"},
        {"aliyun.probe.cmd": "true", "aliyun.probe.url": "http://container"},
        {"tidegate.probe.url": "http://container", "tidegate.probe.path": "/"},
        {"tidegate.probe.path": "up"},
        {"tidegate.probe.port": "0"},
    ],
)
def test_a_container_whose_probe_cannot_be_read_gets_no_traffic(labels):
    instance = seen({A80: "a.test", **labels}, exposed=(80,))
    assert [problem.code for problem in instance.problems] == ["T1207"]
    assert "no traffic" in instance.problems[0].kept
    assert (instance.claims, instance.ports, instance.probe) == ((), (), None)


def test_a_wrong_timeout_is_told_and_the_default_used():
    for value in ("abc", "2.5", "0", "-1", "10s", ""):
        instance = seen({A80: "a.test", "aliyun.probe.url": "http://container", "aliyun.probe.timeout_seconds": value})
        assert [problem.code for problem in instance.problems] == ["T1208"]
        assert (instance.probe.timeout_seconds, len(instance.claims)) == (2.0, 1)


def test_a_timeout_without_a_probe_has_no_effect_and_says_so():
    assert codes({"aliyun.probe.timeout_seconds": "2"}) == ["T1206"]


@pytest.mark.parametrize(
    "labels",
    [
        {"tidegate.weight": "ten"},
        {"tidegate.weight": "1001"},
        {"tidegate.version": "v 1"},
        {"tidegate.service": "a/b/c"},
        {"tidegate.service": ""},
        {"tidegate.network": "-x"},
        {"tidegate.enable": "maybe"},
    ],
)
def test_a_wrong_deciding_label_keeps_the_container_out_of_traffic(labels):
    instance = seen({A80: "a.test", **labels}, exposed=(80,))
    assert [problem.code for problem in instance.problems] == ["T1208"]
    assert "the others of its service serve" in instance.problems[0].kept
    assert (instance.claims, instance.ports) == ((), ())


def test_control_characters_and_endless_values_are_refused():
    assert codes({A80: "a.test\r\nX: y"}) == ["T1209"]
    assert codes({A80: "a.test\x00"}) == ["T1209"]
    assert codes({A80: "a.test;" * 1000}) == ["T1209"]
    assert seen({A80: "a.test", "tidegate.version": "v1\n"}).claims == ()
    assert "\r" not in str(seen({A80: "a\r\n"}).problems[0])


@pytest.mark.parametrize(
    ("labels", "project", "service", "number"),
    [
        ({}, "", "shop-web-1", 0),
        (
            {
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": "web",
                "com.docker.compose.container-number": "3",
            },
            "shop",
            "web",
            3,
        ),
        (
            {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "tidegate.service": "front"},
            "",
            "front",
            0,
        ),
        ({"tidegate.service": "shop/web"}, "shop", "web", 0),
        ({"com.docker.compose.project": "shop"}, "", "shop-web-1", 0),
        (
            {
                "com.docker.compose.project": "shop",
                "com.docker.compose.service": "web",
                "com.docker.compose.oneoff": "True",
            },
            "",
            "shop-web-1",
            0,
        ),
    ],
)
def test_services_are_named_by_our_label_then_by_compose_then_by_the_container(labels, project, service, number):
    instance = seen(labels)
    assert (instance.project, instance.service, instance.number) == (project, service, number)


def test_a_one_off_container_serves_nothing():
    labels = {"com.docker.compose.service": "web", "com.docker.compose.oneoff": "True", A80: "a.test"}
    instance = seen(labels, exposed=(80,))
    assert (instance.claims, instance.ports) == ((), ())
    assert codes(labels) == ["T1206"]


def test_a_one_off_container_is_no_part_of_the_service_whose_labels_it_inherits():
    """The names of the service are answered with replicas, and it is none."""
    labels = {"com.docker.compose.service": "web", "com.docker.compose.oneoff": "True", "tidegate.service": "shop/web"}
    assert seen(labels).key == seen({}).name


@pytest.mark.parametrize(
    "labels",
    [
        {"tidegate.weight": "much"},
        {"tidegate.probe.url": "no url"},
        {"tidegate.allow": "nobody", A80: "a.test"},
        {"tidegate.network": "a b/"},
    ],
)
def test_a_container_that_is_kept_from_traffic_says_so(labels):
    assert seen(labels, exposed=(80,)).quarantined
    assert not seen({A80: "a.test", "tidegate.timeout": "much"}, exposed=(80,)).quarantined


def test_values_of_the_other_labels():
    instance = seen(
        {
            "tidegate.version": "v2",
            "tidegate.weight": "0",
            "tidegate.network": "front",
            "tidegate.dns": "Proxy",
            "aliyun.scale": "3",
            "aliyun.routing.session_sticky": "False",
        }
    )
    assert instance.problems == ()
    assert (instance.version, instance.weight, instance.network, instance.dns) == ("v2", 0, "front", DnsMode.PROXY)
    assert instance.scale == 3


def test_what_the_dns_tells_of_a_container_is_said_by_labels():
    labels = {"tidegate.dns.fallback": "true", "tidegate.dns.txt": "team", "tidegate.dns.ttl": "0", "team": "core"}
    instance = seen(labels)
    assert instance.problems == ()
    assert (instance.dns_fallback, instance.dns_ttl, instance.texts) == (True, 0, ("team=core",))
    wrong = {"tidegate.dns.txt": "nope", "tidegate.dns.fallback": "si", "tidegate.dns.ttl": "3601"}
    assert codes(wrong) == ["T1208"] * 3


def test_where_the_router_answers_for_a_service_its_names_are_claimed_with_the_container_s_settings():
    labels = {
        "tidegate.dns": "proxy",
        "tidegate.service": "Shop/Web",
        "tidegate.port": "8000",
        "tidegate.retry.tries": "1",
    }
    calls = [claim for claim in seen(labels | {A80: "a.test"}).claims if claim.relative]
    assert [(claim.host, claim.port, claim.settings) for claim in calls] == [
        ("web", 8000, {"retry.tries": "1"}),
        ("web.shop", 8000, {"retry.tries": "1"}),
    ]
    assert not any(claim.relative for claim in seen({A80: "a.test"}).claims)
    assert not seen(labels | {"tidegate.version": "!"}).claims


def test_tuning_labels_fall_back_to_their_defaults():
    labels = {A80: "a.test", "aliyun.scale": "x", "aliyun.routing.session_sticky": "si", "tidegate.dns": "round"}
    instance = seen(labels)
    assert [problem.code for problem in instance.problems] == ["T1208"] * 3
    assert (instance.scale, instance.dns, len(instance.claims)) == (0, None, 1)
    assert instance.claims[0].settings == {}
    assert instance.claims[0].implied == {"balance.sticky": "true"}


def test_our_prefix_wins_over_the_old_one():
    assert seen({"aliyun.scale": "3", "tidegate.scale": "4"}).scale == 4


def test_ports_are_the_chosen_one_then_those_of_claims_then_the_exposed():
    labels = {"tidegate.port": "9000", "aliyun.routing.port_8080": "a.test", A80: "b.test"}
    assert seen(labels, exposed=(443, 80)).ports == (9000, 80, 8080, 443)


def test_a_host_takes_the_only_exposed_port():
    assert routes({"tidegate.host": "a.test;b.test/x"}, exposed=(3000,)) == [
        (3000, "a.test", "/", "http"),
        (3000, "b.test", "/x", "http"),
    ]
    assert routes({"tidegate.host": "a.test", "tidegate.port": "81"}, exposed=(1, 2)) == [(81, "a.test", "/", "http")]


@pytest.mark.parametrize(("exposed", "words"), [((), "none"), ((80, 443), "80, 443")])
def test_a_host_without_a_clear_port_lists_the_candidates(exposed, words):
    instance = seen({"tidegate.host": "a.test"}, exposed=exposed)
    assert [problem.code for problem in instance.problems] == ["T1211"]
    assert words in instance.problems[0].text


def test_a_disabled_container_says_nothing_and_serves_nothing():
    labels = {"tidegate.enable": "false", A80: "///", "tidegate.nonsense": "1"}
    assert not is_enabled(labels)
    assert is_enabled({})
    assert (seen(labels).claims, seen(labels).ports) == ((), ())


@pytest.mark.parametrize(
    ("label", "suggestion"),
    [
        ("tidegate.prot", "tidegate.port"),
        ("tidegate.probe.intervall_seconds", "tidegate.probe.interval_seconds"),
        ("aliyun.probe.timeout_second", "aliyun.probe.timeout_seconds"),
        ("aliyun.routing.sticky_session", "aliyun.routing.session_sticky"),
        ("aliyun.routing.prot_80", "aliyun.routing.port_80"),
        ("aliyun.auto.scaling.min_cpu", "aliyun.auto_scaling.min_cpu"),
    ],
)
def test_an_unknown_label_is_told_with_the_nearest_right_one(label, suggestion):
    problems = seen({label: "80"}).problems
    assert [problem.code for problem in problems] == ["T1203"]
    assert problems[0].mend == f"did you mean {suggestion}?"


@pytest.mark.parametrize("label", ["global", "depends", "latest_image", "gpu"])
def test_what_only_stacks_act_on_is_no_problem_on_a_container(label):
    found = seen({f"aliyun.{label}": "1", f"tidegate.{label}": "1", "tidegate.reschedule": "off", A80: "a.test"})
    assert found.problems == ()


@pytest.mark.parametrize(
    "label",
    [
        "aliyun.lb.port_80",
        "aliyun.proxy.VIRTUAL_HOST",
        "aliyun.addon",
        "aliyun.log_store_app",
        "aliyun.logs",
        "aliyun.logs.access.tags",
        "aliyun.monitoring.script",
        "aliyun.routing.weight",
    ],
)
def test_a_label_of_the_original_system_that_does_nothing_here_is_named(label):
    problem = seen({label: "1", A80: "a.test"}).problems[0]
    assert (problem.code, problem.severity) == ("T1204", Severity.WARNING)
    assert label in problem.text


def test_a_release_is_wanted_by_labels():
    found = seen(
        {A80: "a.test", "tidegate.release.strategy": "canary", "tidegate.release.canary": "5, 25"}, image="web:2.1"
    )
    assert (found.release.shares, found.version, found.problems) == ((5, 25), "2.1", ())
    assert seen({"tidegate.version": "v9", "tidegate.release.confirm": "true"}, image="web:2.1").version == "v9"
    assert (seen({}, image="web:2.1").version, seen({}).release) == ("", None)


@pytest.mark.parametrize(
    "label",
    [
        "tidegate.release.canary",
        "tidegate.release.cannary",
        "tidegate.relase.canary",
        "tidegate.release",
        "tidegate.release.x",
    ],
)
def test_a_release_that_is_not_understood_keeps_the_container_out_of_traffic(label):
    found = seen({A80: "a.test", label: "all"})
    assert not found.claims
    assert not found.ports
    assert "gets no traffic until this is right" in found.problems[0].kept


def test_a_release_with_a_wrong_word_waits_all_the_same():
    assert seen({"tidegate.release.strategy": "big-bang"}).release == ReleasePolicy()


def test_the_original_system_rolled_by_batches():
    rolling = {"aliyun.rolling_updates": "true", "aliyun.rolling_updates.parallelism": "3"}
    assert seen(rolling).release == ReleasePolicy(strategy="rolling", parallelism=3)
    assert seen(rolling | {"aliyun.rolling_updates.parallelism": "none"}).release.parallelism == 1
    assert seen(rolling | {"tidegate.release.strategy": "blue-green"}).release.strategy == "blue-green"
    assert seen({"aliyun.rolling_updates": "false"}).release is None
    assert codes({"aliyun.rolling_updates.parallelism": "3"}) == ["T1206"]


def test_labels_of_others_are_none_of_our_business():
    assert codes({"traefik.enable": "true", "maintainer": "x\n", "org.x": "y"}) == []


def test_a_container_with_a_health_check_starts_as_starting():
    assert seen({}, has_healthcheck=True).engine_health is EngineHealth.STARTING
    assert seen({}, has_healthcheck=True, engine_health=EngineHealth.HEALTHY).engine_health is EngineHealth.HEALTHY
    assert seen({}, has_healthcheck=True, state=InstanceState.STOPPED).engine_health is EngineHealth.NONE
    assert seen({}).engine_health is EngineHealth.NONE


def test_labels_written_bare_in_a_file_are_normalised():
    labels = {
        "aliyun.routing.session_sticky": False,
        "aliyun.scale": 2,
        "tidegate.weight": 10.0,
        "aliyun.probe.cmd": "true",
    }
    assert check_labels(labels) == ()
    assert check_labels({"tidegate.host": "a.test"}) == ()
    assert [problem.place for problem in check_labels({"tidegate.prot": 80})] == ["label tidegate.prot"]


@pytest.mark.parametrize(
    ("file", "service", "expected"),
    [
        (
            "restserver.yaml",
            "server",
            {"claims": [(80, "restserver.local")], "scale": 2, "delay": 2.0, "timeout": 2.0, "codes": []},
        ),
        (
            "wordpress.yaml",
            "web",
            {"claims": [(80, "wordpress.local")], "scale": 3, "delay": None, "timeout": None, "codes": ["T1206"]},
        ),
        ("wordpress.yaml", "db", {"claims": [], "scale": 0, "delay": None, "timeout": None, "codes": ["T1204"]}),
        (
            "scaling.yaml",
            "worker",
            {"claims": [], "scale": 2, "delay": None, "timeout": None, "codes": ["T1204"] * 3 + ["T2403"]},
        ),
    ],
)
def test_templates_of_the_original_system_are_understood(file, service, expected):
    data = load((EXAMPLES / file).read_text(), file).data
    labels = {name: str(value) for name, value in data[service]["labels"].items()}
    meaning = read_labels(labels, (), "")
    assert [(claim.port, claim.host) for claim in meaning.claims] == expected["claims"]
    assert [problem.code for problem in meaning.problems] == expected["codes"]
    probe = meaning.probe
    assert meaning.scale == expected["scale"]
    assert (probe and probe.initial_delay_seconds, probe and probe.timeout_seconds) == (
        expected["delay"],
        expected["timeout"],
    )


NAMES = st.sampled_from(
    [
        A80,
        T80,
        "tidegate.host",
        "tidegate.port",
        "tidegate.weight",
        "tidegate.service",
        "aliyun.probe.url",
        "tidegate.x",
    ]
) | st.text(max_size=6).map(lambda text: f"tidegate.routing.port_{text}")
TEXTS = st.text(max_size=30) | st.text(alphabet="ab.-*:/;%80 h~", max_size=20)


@given(st.dictionaries(NAMES, TEXTS, max_size=5), st.lists(st.integers(1, 65535), max_size=2))
def test_whatever_labels_say_only_clean_hosts_and_paths_come_out(labels, exposed):
    instance = seen(labels, exposed=tuple(exposed))
    for claim in instance.claims:
        assert claim.host == claim.host.lower()
        assert claim.host.removeprefix("*.").replace(".", "").replace("-", "").isalnum()
        assert claim.host.isascii()
        assert claim.path.startswith("/")
        assert "//" not in claim.path
        assert claim.path == "/" or not claim.path.endswith("/")
    assert all(problem.code and problem.text and problem.place for problem in instance.problems)


PAGE = (Path(__file__).parents[2] / "docs" / "labels.md").read_text()
BLOCKS = [
    load(block, "labels.md").data for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]


def test_every_example_of_the_page_is_right():
    labels = [service["labels"] for block in BLOCKS for service in block["services"].values() if "labels" in service]
    assert len(labels) == 2
    assert [check_labels(each) for each in labels] == [(), ()]
    files = re.findall(r"^```yaml\n(services:\n  web@v1.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [check_file(each, "labels.md") for each in files] == [()]


def test_the_page_lists_exactly_the_labels_there_are():
    rows = "".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    listed = set(re.findall(r"`((?:aliyun|tidegate)\.[a-zA-Z0-9_.]+[a-zA-Z0-9])`", rows))
    families = {"aliyun.routing.port_80", "tidegate.routing.port_80", "tidegate.release.gate.query.NAME"}
    assert listed - families == APPLIED
