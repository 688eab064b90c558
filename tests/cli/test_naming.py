from __future__ import annotations

import pytest

from tests.support.cli import ROUTES, SERVICES
from tidegate.cli.naming import find_service, find_target, short
from tidegate.errors import NoSuchThing, TidegateError


@pytest.mark.parametrize(
    ("name", "kind", "key"),
    [
        ("shop/web", "service", "shop/web"),
        ("Shop/Web", "service", "shop/web"),
        ("db", "service", "db"),
        ("shop.test/api", "route", "shop.test/api"),
        ("db.test", "route", "db.test/"),
        ("db.test.", "route", "db.test/"),
        ("shop.test", "host", "shop.test"),
    ],
)
def test_a_name_means_a_service_a_route_or_a_host(name, kind, key):
    found = find_target(name, SERVICES, ROUTES)
    assert (found.kind, found.key) == (kind, key)


def test_a_host_has_the_backends_of_all_its_routes():
    assert len(find_target("shop.test", SERVICES, ROUTES).value["backends"]) == 4


def test_a_short_name_of_two_services_is_refused_with_both():
    with pytest.raises(TidegateError, match="blog/web, shop/web") as error:
        find_target("web", SERVICES, ROUTES)
    assert error.value.exit_code == 1


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(NoSuchThing, match=r"did you mean shop/web\?") as error:
        find_service("shop/wbe", SERVICES)
    assert error.value.exit_code == 4


def test_nothing_is_near_where_nothing_is_known():
    with pytest.raises(NoSuchThing, match="tidegate ls services"):
        find_service("x", [])


def test_the_short_name_leaves_the_project_out():
    assert short("shop/web") == "web"
    assert short("db") == "db"
