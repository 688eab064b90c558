from __future__ import annotations

import pytest

from tidegate.dns.siphash import siphash

LOW, HIGH = (int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8))

# From the table that comes with the reference implementation: key 00 01 .. 0f, data 00 01 .. of the given length.
VECTORS = {
    0: "310e0edd47db6f72",
    1: "fd67dc93c539f874",
    7: "37d1018bf50002ab",
    8: "6224939a79f5f593",
    15: "e545be4961ca29a1",
}


@pytest.mark.parametrize("size", VECTORS)
def test_the_digest_is_that_of_the_reference(size):
    assert siphash(LOW, HIGH, bytes(range(size))).to_bytes(8, "little").hex() == VECTORS[size]


def test_every_octet_and_the_length_count():
    data = bytes(33)
    changed = [data[:at] + b"\1" + data[at + 1 :] for at in range(len(data))]
    assert len({siphash(LOW, HIGH, one) for one in (data, data[:-1], *changed)}) == len(data) + 2
