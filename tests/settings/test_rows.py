import re

import pytest

from tidegate.policy import (
    BasicAuth,
    ClientCertificates,
    Compress,
    Cors,
    Filters,
    ForwardAuth,
    HeaderEdits,
    Policy,
    RateLimit,
    Redirect,
    TlsPolicy,
    UpstreamTls,
)
from tidegate.settings.fault import Fault
from tidegate.settings.rows import NAMED, ROWS

FULL = Policy(
    filters=Filters(
        rate=RateLimit(per_second=1.0),
        cors=Cors(origins=("*",)),
        redirect=Redirect(),
        basic_auth=BasicAuth(users=()),
        forward_auth=ForwardAuth(url="http://a/"),
        compress=Compress(),
        request_headers=HeaderEdits(),
        response_headers=HeaderEdits(),
    ),
    tls=TlsPolicy(clients=ClientCertificates(authority="a")),
    upstream_tls=UpstreamTls(),
)


def at(way):
    holder = FULL
    for step in way:
        holder = getattr(holder, step)
    return holder


@pytest.mark.parametrize("name", ROWS)
def test_a_name_is_short_lower_case_and_leads_to_a_field_of_the_policy(name):
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+){0,3}", name)
    assert at(ROWS[name].field[:-1] if name == "upstream.scheme" else ROWS[name].field) is not None


@pytest.mark.parametrize("named", NAMED, ids=lambda each: each.prefix)
def test_a_name_that_ends_in_a_word_of_the_users_leads_to_pairs(named):
    assert at(named.field) == ()


def test_no_two_names_lead_to_the_same_field():
    assert len({row.field for row in ROWS.values()}) == len(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_is_no_value_of_any_setting(name):
    assert isinstance(ROWS[name].kind.read(""), Fault)
