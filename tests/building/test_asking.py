import pytest

from tests.support.built import make
from tests.support.seen import healthy, instance, report
from tidegate.building.asking import asks
from tidegate.model import HealthState

AUTH = {"filter.forward_auth.service": "auth:80:/verify"}


def web(**fields):
    return instance("c1", project="shop", routes=["a.test/"], **fields)


def url(made):
    return made.table.routes["a.test/"].policy.filters.forward_auth.url


def test_a_service_of_the_same_project_is_asked_at_the_address_of_a_ready_endpoint():
    auth = instance("c2", "auth", project="shop")
    made = make(web(settings=AUTH), auth, health=healthy("c2:80"))
    assert url(made) == f"http://{auth.networks[0].ipv4}:80/verify"
    assert asks(made.table.routes["a.test/"]) == "shop/auth"


def test_the_address_follows_the_service():
    seen = (web(settings=AUTH), instance("c2", "auth", project="shop"), instance("c3", "auth", project="shop"))
    first = make(*seen, health=healthy("c2:80", "c3:80"))
    failed = {"c2:80": report("c2:80", HealthState.UNHEALTHY), **healthy("c3:80")}
    second = make(*seen, health=failed, previous=first)
    assert set(second.delta.routes) == {"a.test/"}
    assert url(second) == f"http://{seen[2].networks[0].ipv4}:80/verify"
    assert url(make(seen[0], previous=second)) == ""


@pytest.mark.parametrize("project", ["", "other"])
def test_a_service_of_another_project_is_not_asked(project):
    made = make(web(settings=AUTH), instance("c2", "auth", project=project), health=healthy("c2:80"))
    assert url(made) == ""


def test_who_asks_no_more_is_not_built_again_for_it():
    auth = instance("c2", "auth", project="shop")
    first = make(web(settings=AUTH), auth, health=healthy("c2:80"))
    second = make(web(), auth, health=healthy("c2:80"), previous=first)
    assert second.memo.askers == {}
    assert asks(second.table.routes["a.test/"]) == ""
    assert asks(None) == ""
