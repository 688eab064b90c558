from __future__ import annotations

import pytest

from tests.support.router import quick
from tidegate.router.core import Core


@pytest.mark.parametrize(
    ("client", "trusted"),
    [(b"10.1.2.3", True), (b"11.1.2.3", False), (b"fd00::1", True), (b"fe80::1%eth0", False), (b"", False)],
)
def test_trust_is_a_matter_of_networks(client, trusted):
    assert Core(quick(trusted_proxies=("10.0.0.0/8", "fd00::/8"))).trusts(client) == trusted
