from msgspec.structs import replace

from tests.support.built import BETA, codes, make, spec
from tests.support.seen import instance
from tidegate.building.routes import FILE_OWNER
from tidegate.model import Backend


def test_a_file_route_removed_from_the_file_goes_at_once():
    first = make(instance("c1"), routes=(spec("a.test/", Backend(service="web")),))
    assert not make(instance("c1"), previous=first).table.routes


def test_conditions_make_another_route_for_the_same_host_and_path():
    made = make(
        instance("c1", routes=["a.test/"]),
        instance("c2", "beta", routes=["a.test/"], match=BETA, settings={"retry.tries": "1"}),
    )
    route = made.table.routes["a.test/#header.x-beta=1"]
    assert set(made.table.routes) == {"a.test/", route.id}
    assert (route.host, route.path, route.match, route.policy.retry.tries) == ("a.test", "/", BETA, 1)
    assert {backend.service for backend in route.backends} == {"beta"}
    assert codes(made) == []


def test_who_holds_a_host_and_path_holds_it_under_all_conditions():
    first = make(instance("c1", project="a", routes=["a.test/"], created_at=2.0))
    beta = instance("c2", "beta", project="b", routes=["a.test/"], match=BETA, created_at=1.0)
    both = make(instance("c1", project="a", routes=["a.test/"], created_at=2.0), beta, previous=first)
    assert set(both.table.routes) == {"a.test/"}
    (problem,) = both.problems
    assert problem.code == "T1301"
    assert problem.text == "c2 claims a.test/#header.x-beta=1, which c1 already holds"
    gone = make(beta, previous=both, now=1.0)
    assert set(make(beta, previous=gone, now=100.0).table.routes) == {"a.test/#header.x-beta=1"}


def test_of_two_owners_that_come_at_once_the_earlier_holds_the_place_whatever_its_conditions():
    made = make(
        instance("c1", project="a", routes=["a.test/"], created_at=2.0),
        instance("c2", "beta", project="b", routes=["a.test/"], match=BETA, created_at=1.0),
    )
    assert {id_: route.owner for id_, route in made.table.routes.items()} == {"a.test/#header.x-beta=1": "b"}
    assert codes(made) == ["T1301"]


def test_a_file_holds_a_place_under_all_conditions():
    made = make(
        instance("c1", routes=["a.test/"]),
        instance("c2", "beta"),
        routes=(replace(spec("a.test/", Backend(service="beta")), match=BETA),),
    )
    assert {id_: route.owner for id_, route in made.table.routes.items()} == {"a.test/#header.x-beta=1": FILE_OWNER}
    assert codes(made) == ["T1301"]
