from __future__ import annotations

import pytest

from tests.support.asks import ask
from tidegate.errors import Reason
from tidegate.router.filters.access import AccessStep


@pytest.mark.parametrize(
    ("allow", "deny", "client", "passes"),
    [
        (("10.0.0.0/8",), (), b"10.1.2.3", True),
        (("10.0.0.0/8",), (), b"11.1.2.3", False),
        ((), ("10.0.0.0/8",), b"10.1.2.3", False),
        ((), ("10.0.0.0/8",), b"11.1.2.3", True),
        (("10.0.0.0/8",), ("10.9.0.0/16",), b"10.9.0.1", False),
        (("192.0.2.1",), (), b"192.0.2.1", True),
        (("2001:db8::/32",), (), b"2001:db8::1", True),
        (("2001:db8::/32",), (), b"192.0.2.1", False),
        (("192.0.2.0/24",), (), b"::ffff:192.0.2.7", True),
        (("fe80::/10",), (), b"fe80::1%eth0", True),
        (("0.0.0.0/0",), (), b"", False),
        ((), ("192.0.2.1",), b"not an address", False),
    ],
)
def test_an_address_passes_if_it_is_allowed_and_not_denied(allow, deny, client, passes):
    step = AccessStep(allow, deny)
    for _ in range(2):  # the second time it is remembered
        refused = step.on_request(ask(client=client))
        assert (refused is None) == passes
        if refused:
            assert (refused.status, refused.reason) == (403, Reason.FORBIDDEN)
