from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.config import AccessLogConfig
from tidegate.errors import Reason
from tidegate.router.exchange import Exchange
from tidegate.router.recorder import Recorder, needed, statuses, struck

STAMP = b"2026-01-02T03:04:05.6Z"


def recorded(config, status=200, duration_us=1000, chance=0.5, **values):
    one = Exchange(b"GET", b"a.test", b"/", b"::1", 1.0)
    one.status = status
    for name, value in values.items():
        setattr(one, name, value)
    line = Recorder(config, lambda: chance).record(one, STAMP, duration_us)
    return json.loads(line) if line else None


def test_the_default_needs_no_recorder():
    assert not needed(AccessLogConfig())
    assert needed(AccessLogConfig(sample=0.5))


@pytest.mark.parametrize(("share", "chance", "logged"), [(0.6, 0.5, True), (0.4, 0.5, False), (0.0, 0.0, False)])
def test_a_share_of_what_went_well_is_logged(share, chance, logged):
    assert (recorded(AccessLogConfig(sample=share), chance=chance) is not None) is logged


@pytest.mark.parametrize("status", [400, 404, 499, 502, 599])
def test_errors_are_logged_whatever_the_share(status):
    assert recorded(AccessLogConfig(sample=0.0), status=status)["status"] == status


def test_an_answer_that_was_cut_is_an_error_whatever_it_began_with():
    found = recorded(AccessLogConfig(sample=0.0), status=200, reason=Reason.RESPONSE_ABORTED)
    assert (found["status"], found["reason"]) == (200, "response-aborted")


def test_what_was_slow_is_logged_whatever_the_share():
    config = AccessLogConfig(sample=0.0, slow_seconds=0.5)
    assert recorded(config, duration_us=499_999) is None
    assert recorded(config, duration_us=500_000) is not None


def test_other_statuses_can_be_chosen():
    config = AccessLogConfig(sample=0.0, always_status=("5xx", "201"))
    assert [status for status in (200, 201, 404, 500) if recorded(config, status=status)] == [201, 500]


def test_parameters_are_struck_out_by_name_in_target_and_referer():
    config = AccessLogConfig(redact_query=("token", "Key"))
    line = recorded(
        config, target=b"/a?x=1&token=secret&t%6Fken=s&KEY=s&tokens=2", referer=b"http://b.test/?token=s&y=2"
    )
    assert line["target"] == "/a?x=1&token=REDACTED&t%6Fken=REDACTED&KEY=REDACTED&tokens=2"
    assert line["referer"] == "http://b.test/?token=REDACTED&y=2"


def test_a_star_strikes_out_the_whole_query():
    assert recorded(AccessLogConfig(redact_query=("*",)), target=b"/a?b=1&c")["target"] == "/a?REDACTED"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_striking_out_keeps_path_and_other_parameters(before, value):
    strike = struck(["token"])
    target = b"/p?q=" + before.replace(b"&", b"").replace(b"#", b"") + b"&token=" + value.replace(b"&", b"")
    assert strike(target) == target[: target.index(b"&token=")] + b"&token=REDACTED"


def test_headers_can_be_kept_out():
    line = recorded(AccessLogConfig(hide_headers=("referer", "User-Agent")), agent=b"curl", referer=b"http://b.test/")
    assert line["agent"] == ""
    assert "referer" not in line


@pytest.mark.parametrize("text", ["", "99", "600", "6xx", "abc", "400-"])
def test_what_is_no_status_is_refused(text):
    with pytest.raises(ValueError, match="a status is"):
        statuses([text])
