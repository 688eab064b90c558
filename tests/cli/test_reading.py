from __future__ import annotations

import pytest

from tidegate.cli.reading import (
    access_log,
    boolean,
    engine_url,
    hook_secret,
    hook_url,
    one_of,
    seconds,
    service_url,
    size,
)


@pytest.mark.parametrize(
    ("text", "value"), [("30", 30.0), ("30s", 30.0), ("0.5m", 30.0), ("500ms", 0.5), ("2h", 7200.0), ("1.5", 1.5)]
)
def test_a_time_is_read_with_or_without_its_unit(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "0", "-1", "nan", "inf", "8d", "5 minutes", "999999999"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match="time"):
        seconds(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("64k", 65536), ("1M", 1 << 20)])
def test_a_size_may_count_in_1024(text, value):
    assert size(0, 1 << 20)(text) == value


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5", "2m", "x", "٣"])
def test_a_size_out_of_range_or_form_is_refused(text):
    with pytest.raises(ValueError, match=r"whole number|between"):
        size(0, 1 << 20)(text)


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("TRUE", True), ("1", True), ("off", False), ("no", False)])
def test_a_truth_is_read_as_people_write_it(text, value):
    assert boolean(text) is value


@pytest.mark.parametrize("read", [boolean, one_of("debug", "info"), engine_url])
def test_nonsense_is_refused_with_the_choices(read):
    with pytest.raises(ValueError, match=r"true|debug|unix"):
        read("maybe")


def test_a_path_is_a_unix_engine():
    assert engine_url("/run/docker.sock") == "unix:///run/docker.sock"
    assert engine_url("tcp://h:2375") == "tcp://h:2375"


def test_the_access_log_can_be_switched_off():
    assert access_log("off") == ""
    assert access_log("-") == "-"


@pytest.mark.parametrize("text", ["http://a", "https://user:word@hooks.test:8443/T0/B1?x=y"])
def test_a_url_of_a_service_is_taken_as_it_is(text):
    assert service_url(text) == hook_url(text) == text


@pytest.mark.parametrize("text", ["a.test", "ftp://a", "http://", "http://a:0/", "http://a\n/", "http://[::bad"])
def test_what_is_no_url_is_refused(text):
    for read in (service_url, hook_url):
        with pytest.raises(ValueError, match=r"http|IPv6"):
            read(text)


def test_nobody_is_a_server_to_ask_but_no_web_hook():
    assert service_url("off") == ""
    with pytest.raises(ValueError, match="empty"):
        hook_url("off")


def test_a_secret_is_any_text_or_base64_behind_its_mark():
    assert hook_secret(" swordfish ") == "swordfish"
    assert hook_secret("whsec_AAEC") == "whsec_AAEC"
    with pytest.raises(ValueError, match="base64"):
        hook_secret("whsec_!")
