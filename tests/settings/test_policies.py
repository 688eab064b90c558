from hypothesis import given
from hypothesis import strategies as st

from tests.support.policies import policies
from tidegate.policy import Policy, UpstreamTls
from tidegate.settings.policies import policy_of, settings_of
from tidegate.settings.reading import read_settings


@given(policies())
def test_a_policy_written_as_settings_and_read_again_is_the_same(policy):
    written = settings_of(policy)
    reading = read_settings(written, operator=True)
    assert (reading.wrong, reading.settings) == ((), written)
    assert policy_of(reading.settings) == policy


def test_the_built_in_policy_needs_no_word():
    assert settings_of(Policy()) == {}
    assert policy_of({}) == Policy()


def test_what_is_not_known_or_not_right_changes_nothing():
    assert policy_of({"retry.tries": "x", "no.such": "1"}) == Policy()


def test_upstream_settings_mean_https_unless_http_is_said():
    assert policy_of({"upstream.name": "a.test"}).upstream_tls == UpstreamTls(name="a.test")
    assert policy_of({"upstream.scheme": "https"}).upstream_tls == UpstreamTls()
    assert policy_of({"upstream": "off"}).upstream_tls is None
    assert policy_of({"upstream.scheme": "http", "upstream.name": "a.test"}).upstream_tls is None


def test_half_a_filter_is_none():
    assert policy_of({"filter.rate.burst": "5"}) == Policy()
    assert policy_of({"filter.redirect.status": "301"}) == Policy()
    assert policy_of({"filter.allow": "off", "filter.compress": "off"}) == Policy()


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=30)))
def test_any_text_makes_a_policy(settings):
    assert isinstance(policy_of(settings), Policy)
