import pytest

from tidegate.discovery.footing import stands_in


@pytest.mark.parametrize(
    ("subnet", "expected"),
    [
        ("127.0.0.0/8", True),
        ("127.0.0.1/32", True),
        ("::1/128", True),
        ("198.51.100.0/24", False),
        ("2001:db8:5::/64", False),
        ("odd", False),
        ("", False),
    ],
)
def test_we_stand_in_a_subnet_where_an_address_of_ours_is_in_it(subnet, expected):
    assert stands_in(subnet) is expected
