from __future__ import annotations

import pytest

from tests.support import dns
from tidegate.app.resolve import Resolver
from tidegate.errors import ConfigError


@pytest.fixture
def resolver():
    return Resolver(dns.zone_of(dns.name("web", dns.target("web-1", "10.0.0.5"))))


async def test_a_name_is_answered_as_the_dns_server_would(resolver):
    found = await resolver.explain("web", "a", "")
    assert found["rcode"] == "NOERROR"
    assert [answer["data"] for answer in found["answers"]] == ["10.0.0.5"]


@pytest.mark.parametrize(("kind", "asker"), [("NOTHING", ""), ("A", "not-an-address")])
async def test_a_bad_question_is_the_askers_fault(resolver, kind, asker):
    with pytest.raises(ConfigError, match="T1705"):
        await resolver.explain("web", kind, asker)
