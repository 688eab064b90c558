from __future__ import annotations

from tests.support.cli import RECORDED, FakeAdmin, piped


def test_the_answer_is_printed_with_its_source():
    with FakeAdmin(RECORDED) as fake:
        done = piped("resolve", "web.shop", "-t", "a", "--from", "10.0.0.9", TIDEGATE_ADMIN=fake.address)
    assert done.out == "web.shop.mesh.internal.\t5\tA\t172.18.0.2\nNOERROR from zone\n"
    assert fake.asked[0].query == {"name": "web.shop", "type": "A", "from": "10.0.0.9"}
