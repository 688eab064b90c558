import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.settings.fault import Fault
from tidegate.settings.reading import MAX_SETTINGS, flattened, nearest_name, read_settings
from tidegate.settings.vocabulary import all_names


def read(name, text, *, operator=True):
    return read_settings({name: text}, operator=operator)


@pytest.mark.parametrize(
    ("name", "text", "canonical"),
    [
        ("retry.tries", " 2 ", "2"),
        ("limit.body_bytes", "10MiB", "10MiB"),
        ("limit.body_bytes", "10240 KiB", "10MiB"),
        ("limit.body_bytes", "1MB", "1000000"),
        ("timeout.connect_seconds", "1.50", "1.5"),
        ("balance.sticky", "TRUE", "true"),
        ("balance.hash_key", "header:X-User", "header:x-user"),
        ("upstream", "false", "off"),
        ("filter.allow", "10.0.0.0/8,192.0.2.1", "10.0.0.0/8, 192.0.2.1/32"),
        ("filter.allow", "off", "off"),
        ("filter.compress", "true", "on"),
        ("page.503", "<p>\n", "<p>"),
        ("upstream.scheme", "HTTPS", "https"),
    ],
)
def test_a_setting_is_kept_in_its_canonical_form(name, text, canonical):
    reading = read(name, text)
    assert (reading.settings, reading.wrong) == ({name: canonical}, ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("retry.tries", "0"),
        ("retry.tries", ""),
        ("limit.body_bytes", "-1"),
        ("limit.body_bytes", "10 apples"),
        ("timeout.connect_seconds", "1s"),
        ("timeout.connect_seconds", "nan"),
        ("balance.algorithm", "fastest"),
        ("balance.sticky_cookie", "a b"),
        ("upstream", "yes"),
        ("upstream.authority", "../../etc/passwd"),
        ("upstream.authority", "/etc/passwd"),
    ],
)
def test_a_wrong_value_is_told_and_not_kept(name, text):
    reading = read(name, text)
    assert reading.settings == {}
    (wrong,) = reading.wrong
    assert (wrong.name, wrong.unknown, wrong.closes) == (name, False, False)


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("timeout.connect", "timeout.connect_seconds"),
        ("zzz", ""),
        ("filter.header.requst.set.X-A", "filter.header.request.set.X-A"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name, close):
    assert nearest_name(name) == close
    (wrong,) = read(name, "1").wrong
    assert wrong.unknown
    assert close in wrong.fault.mend


def test_what_reaches_beyond_a_container_is_not_for_labels():
    assert read("upstream.client_certificate", "mine").settings == {"upstream.client_certificate": "mine"}
    (wrong,) = read("upstream.client_certificate", "mine", operator=False).wrong
    assert "not for labels" in wrong.fault.text


@pytest.mark.parametrize("name", ["filter.header.request.set.X-A", "filter.header.response.add.X-A"])
def test_a_header_is_known_by_its_lower_case_name(name):
    assert read(name, "b").settings == {name.lower(): "b"}


@pytest.mark.parametrize("header", ["Host", "content-length", "X-Forwarded-For", "Transfer-Encoding", "a b", "x\ny"])
def test_a_header_that_frames_a_message_or_says_who_asks_is_the_routers_own(header):
    assert read(f"filter.header.request.set.{header}", "b").settings == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("filter.allow", ""),
        ("filter.allow", "10.0.0.1/8"),
        ("filter.alow", "10.0.0.0/8"),
        ("filter.rate.per_second", "0"),
        ("filter.rate.burst", "5"),
        ("filter.rate.persecond", "5"),
        ("filter.basic_auth.users", "al:secret"),
        ("filter.basic_auth.realm", "x"),
        ("filter.basic_auth", "on"),
        ("filter.ip_whitelist", "10.0.0.0/8"),
        ("filter.deny", "everyone"),
        ("tls.clients.authority", "/etc/ca.pem"),
        ("tls.clients.required", "true"),
        ("tls.client.authority", "corp"),
        ("filter.forward_auth.copy_headers", "x-user"),
        ("tls.clients.authority", "../staff"),
        ("tls.client.authority", "staff"),
    ],
)
def test_what_protects_and_is_wrong_incomplete_or_misspelt_closes(name, text):
    reading = read(name, text, operator=False)
    assert reading.settings == {}
    assert [wrong.closes for wrong in reading.wrong] == [True]


@pytest.mark.parametrize(
    "said",
    [
        {"filter.redirect.scheme": "https", "filter.redirect.host": "a_b"},
        {"filter.redirect.status": "301"},
        {"upstream": "off", "upstream.name": "a.test"},
        {"filter.cors.origins": "*", "filter.cors.credentials": "true"},
        {"filter.compress": "off", "filter.compress.min_bytes": "1"},
    ],
)
def test_a_filter_is_taken_whole_or_not_at_all(said):
    reading = read_settings(said, operator=True)
    assert reading.settings == {}
    assert [wrong.closes for wrong in reading.wrong] == [False]


@pytest.mark.parametrize(
    "url",
    [
        "http://auth:4181/verify",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "https://a.test/",
        "http://[::1]/",
    ],
)
def test_a_label_cannot_name_another_address(url):
    reading = read("filter.forward_auth.url", url, operator=False)
    assert [wrong.closes for wrong in reading.wrong] == [True]
    assert read("filter.forward_auth.url", url).settings


def test_too_many_settings_are_refused_whole():
    reading = read_settings({f"x{number}": "1" for number in range(MAX_SETTINGS + 1)}, operator=True)
    assert reading.settings == {}
    assert reading.wrong[0].closes


def test_nested_settings_are_the_same_as_dotted_ones():
    data = {"retry": {"tries": 2}, "limit.queue": 3, "x": {"list": ["a", 1], "deep": {503: "text"}}, "none": None}
    found = {name: (path, text) for name, path, text in flattened(data)}
    assert found["retry.tries"] == (("retry", "tries"), "2")
    assert found["limit.queue"] == (("limit.queue",), "3")
    assert found["x.list"] == (("x", "list"), "a, 1")
    assert found["x.deep.503"] == (("x", "deep", 503), "text")
    assert isinstance(found["none"][1], Fault)


@given(st.dictionaries(st.sampled_from(all_names()) | st.text(max_size=40), st.text(max_size=80)), st.booleans())
def test_any_text_is_read_and_what_is_kept_reads_as_itself(given_, operator):
    reading = read_settings(given_, operator=operator)
    again = read_settings(reading.settings, operator=operator)
    assert again.settings == reading.settings
