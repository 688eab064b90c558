from hypothesis import given
from hypothesis import strategies as st

from tidegate.settings.layers import Layer, Said, joined, laid, merged

SETTINGS = st.dictionaries(
    st.sampled_from(("retry.tries", "limit.queue", "upstream", "upstream.scheme", "upstream.name", "tls.redirect")),
    st.sampled_from(("1", "2", "off")),
)


def test_a_later_layer_goes_before_an_earlier_one_name_by_name():
    layers = [
        Layer(source="low", settings={"retry.tries": "1", "limit.queue": "1"}),
        Layer(source="high", settings={"retry.tries": "2"}),
    ]
    assert laid(layers) == {
        "retry.tries": Said(value="2", source="high"),
        "limit.queue": Said(value="1", source="low"),
    }


def test_a_whole_family_is_taken_from_one_layer():
    low = {"upstream.scheme": "https", "upstream.verify": "false", "retry.tries": "1"}
    assert merged(low, {"upstream.name": "a.test"}) == {"upstream.name": "a.test", "retry.tries": "1"}
    assert merged(low, {"upstream": "off"}) == {"upstream": "off", "retry.tries": "1"}


@given(SETTINGS)
def test_nothing_said_changes_nothing(settings):
    assert merged(settings, {}) == settings
    assert merged({}, settings) == settings
    assert merged(settings, settings) == settings


@given(SETTINGS, SETTINGS, SETTINGS)
def test_layers_may_be_laid_two_at_a_time(low, middle, high):
    assert merged(merged(low, middle), high) == merged(low, merged(middle, high))


@given(SETTINGS, SETTINGS)
def test_what_the_higher_layer_says_is_in_force(low, high):
    assert merged(low, high).items() >= high.items()


def test_a_family_that_protects_and_of_which_the_first_says_nothing_holds_for_all():
    first = {"filter.rate.per_second": "5"}
    second = {"filter.rate.per_second": "9", "filter.rate.burst": "9", "filter.allow": "10.0.0.0/8", "retry.tries": "1"}
    third = {"filter.allow": "0.0.0.0/0"}
    assert joined(first, [second, third]) == {"filter.rate.per_second": "5", "filter.allow": "10.0.0.0/8"}


def test_header_edits_are_joined_by_header_until_off_takes_them_away():
    low = {"filter.header.response.set.x-a": "1", "filter.header.response.remove": "server"}
    assert merged(low, {"filter.header.response.set.x-b": "2"}) == low | {"filter.header.response.set.x-b": "2"}
    assert merged(low, {"filter.header.response": "off"}) == {"filter.header.response": "off"}


def test_of_several_containers_the_first_decides_what_protects_nobody():
    assert joined({"retry.tries": "1"}, [{"retry.tries": "2", "limit.queue": "1"}]) == {"retry.tries": "1"}
