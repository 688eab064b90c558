import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.discovery.labels import read_labels
from tidegate.settings.layers import Layer
from tidegate.settings.policies import policy_of, settings_of
from tidegate.settings.vocabulary import all_names

A80 = "aliyun.routing.port_80"
T80 = "tidegate.routing.port_80"


def meaning(labels, exposed=()):
    return read_labels(labels, exposed, "label ")


def said(labels):
    return {claim.host: claim.settings for claim in meaning(labels).claims}


def codes(labels):
    return [problem.code for problem in meaning(labels).problems]


def test_a_setting_holds_for_all_routes_of_the_container_and_one_with_a_port_for_those_of_it():
    labels = {
        T80: "a.test",
        "tidegate.routing.port_81": "b.test",
        "tidegate.retry.tries": "2",
        "tidegate.port_81.retry.tries": "1",
        "tidegate.port_81.balance.algorithm": "LEAST-requests",
    }
    assert said(labels) == {
        "a.test": {"retry.tries": "2"},
        "b.test": {"retry.tries": "1", "balance.algorithm": "least-requests"},
    }
    assert codes(labels) == []


def test_a_route_of_the_original_language_is_sticky_unless_someone_says_otherwise():
    assert [claim.implied for claim in meaning({A80: "a.test"}).claims] == [{"balance.sticky": "true"}]
    assert [claim.implied for claim in meaning({T80: "a.test"}).claims] == [{}]
    for label in ("aliyun.routing.session_sticky", "tidegate.routing.session_sticky"):
        assert said({A80: "a.test", label: "false"}) == {"a.test": {"balance.sticky": "false"}}
        assert said({T80: "a.test", label: "true"}) == {"a.test": {"balance.sticky": "true"}}
    both = {T80: "a.test", "aliyun.routing.session_sticky": "false", "tidegate.balance.sticky": "true"}
    assert said(both) == {"a.test": {"balance.sticky": "true"}}


@pytest.mark.parametrize(
    ("routes", "redirected"),
    [("https://a.test", True), ("wss://a.test", True), ("https://a.test;http://a.test", False), ("a.test", False)],
)
def test_a_route_asked_for_by_https_alone_is_not_served_without(routes, redirected):
    (claim,) = meaning({T80: routes}).claims
    assert claim.implied == ({"tls.redirect": "true"} if redirected else {})


def test_a_wrong_tuning_value_costs_that_setting():
    labels = {T80: "a.test", "tidegate.retry.tries": "many", "tidegate.limit.queue": "5"}
    assert said(labels) == {"a.test": {"limit.queue": "5"}}
    (problem,) = meaning(labels).problems
    assert (problem.code, problem.place) == ("T1208", "label tidegate.retry.tries")


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("tidegate.timeout.conect_seconds", "timeout.connect_seconds"),
        ("tidegate.port_80.limits.queue", "limit.queue"),
        ("tidegate.limits.queue", "tidegate.limit.queue"),
    ],
)
def test_an_unknown_setting_is_told_with_the_one_that_was_meant(label, meant):
    (problem,) = meaning({T80: "a.test", label: "1"}).problems
    assert (problem.code, problem.mend) == ("T1203", f"did you mean {meant}?")


@pytest.mark.parametrize("port", ["0", "x", "", "65536"])
def test_a_setting_for_no_port_is_refused(port):
    assert codes({T80: "a.test", f"tidegate.port_{port}.retry.tries": "1"})[0] in ("T1208", "T1203")
    assert said({T80: "a.test", f"tidegate.port_{port}.retry.tries": "1"}) == {"a.test": {}}


@pytest.mark.parametrize("value", ["a\nb", "a\r\nX-Y: 1", "\0", "x" * 5000])
def test_a_value_that_could_split_a_line_is_refused(value):
    assert codes({T80: "a.test", "tidegate.balance.sticky_cookie": value}) == ["T1208"]


NAMES = st.sampled_from(all_names()) | st.text(max_size=20)


@given(st.dictionaries(NAMES.map("tidegate.{}".format) | NAMES.map("tidegate.port_80.{}".format), st.text(max_size=30)))
def test_whatever_labels_say_they_are_read_and_make_a_policy(labels):
    for claim in meaning({T80: "a.test"} | labels).claims:
        settings = Layer(source="", settings=claim.settings).settings
        assert settings_of(policy_of(settings_of(policy_of(settings)))) == settings_of(policy_of(settings))
