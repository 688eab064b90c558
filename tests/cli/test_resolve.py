from __future__ import annotations

import pytest

from tests.support.cli import RECORDED, FakeAdmin, piped


def test_the_answer_is_printed_with_its_source():
    with FakeAdmin(RECORDED) as fake:
        done = piped("resolve", "web.shop", "-t", "a", "--from", "10.0.0.9", TIDEGATE_ADMIN=fake.address)
    assert done.out.splitlines() == [
        "web.shop.mesh.internal\t5\tA\t172.18.0.2",
        "NOERROR from a name of the table",
        "held by web.shop (direct), TTL 5 s",
        "asked by 10.0.0.9 (shop-api-1), on shop_default",
        "",
        "TARGET\tVERSION\tWEIGHT\tNETWORKS\tTOLD\tLEFT OUT",
        "shop-web-1\tv1\t90:1\tshop_default\t172.18.0.2\t",
        "shop-web-2\tv2\t10:1\tshop_default\t\tdraining",
    ]
    assert fake.asked[0].query == {"name": "web.shop", "type": "A", "from": "10.0.0.9"}


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (
            {"rcode": "", "is_forwarded": True, "upstreams": ["9.9.9.9:53"], "asker": "127.0.0.1"},
            ["forwarded to 9.9.9.9:53", "asked by 127.0.0.1, on none of the networks that are known"],
        ),
        ({"rcode": "", "is_forwarded": True}, ["forwarded to nobody: there are no upstreams"]),
        (
            {"rcode": "NXDOMAIN", "source": "no such name", "zone": "mesh.internal", "ttl": 5, "nearest": ["web"]},
            ["NXDOMAIN from no such name", "in our zone mesh.internal, TTL 5 s", "nearest: web"],
        ),
    ],
)
def test_what_is_not_ours_says_where_it_goes(answer, lines):
    with FakeAdmin({"GET /v1/resolve": answer}) as fake:
        done = piped("resolve", "x", TIDEGATE_ADMIN=fake.address)
    assert done.out.splitlines() == lines
