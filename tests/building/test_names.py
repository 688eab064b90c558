from tests.support.built import make
from tests.support.seen import instance
from tidegate.model import DnsMode


def test_a_route_host_and_a_service_of_the_same_spelling_do_not_collide():
    made = make(instance("c1", project="test", routes=["web.test/"]))
    assert made.table.names["web.test"].mode is DnsMode.DIRECT
    assert made.table.names["web.test."].absolute
    assert made.table.names["web.test."].name == "web.test"


def test_a_service_says_how_long_its_names_may_be_kept_and_of_two_the_shorter_time_holds():
    first = make(instance("c1", project="shop", dns_ttl=30), instance("c2", project="shop", dns_ttl=60))
    assert {first.table.names[key].ttl_seconds for key in ("c1", "c2", "web", "web.shop", "tasks.web")} == {30}
    both = make(instance("c1", project="shop", dns_ttl=30), instance("c3"), previous=first)
    assert (both.table.names["web"].ttl_seconds, both.table.names["web.shop"].ttl_seconds) == (5, 30)
    other = make(instance("c1", project="shop", dns_ttl=0), previous=first)
    assert other.table.names["web.shop"].ttl_seconds == 0


def test_a_host_is_named_until_its_last_route_goes():
    both = instance("c1", routes=["a.test/", "a.test/api"])
    first = make(both)
    second = make(instance("c1", routes=["a.test/"]), previous=first)
    third = make(instance("c1", routes=["a.test/"]), previous=second, now=31.0)
    assert set(third.table.routes) == {"a.test/"}
    assert "a.test." in third.table.names
    last = make(previous=make(previous=third, now=32.0), now=62.0)
    assert not last.table.names
