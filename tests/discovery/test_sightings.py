from tests.support.fake_engine import summary
from tidegate.discovery.labels import understand
from tidegate.discovery.sightings import REMEMBERED_DESTRUCTIONS, Sightings
from tidegate.engine.port import ContainerDetail
from tidegate.model import InstanceState, NetworkAddress


def detail(id_, labels=None, **more):
    return ContainerDetail(id=id_, name=id_, image="i", state=InstanceState.RUNNING, labels=labels or {}, **more)


def put(sightings, each):
    return sightings.put(each, understand(each, "docker", "n1"))


def test_a_row_that_says_what_the_inspect_said_is_no_news():
    sightings = Sightings()
    one = detail("a", networks=(NetworkAddress(network="n", name="bridge", ipv4="172.17.0.2"),))
    assert sightings.is_news(summary(one))
    put(sightings, one)
    assert not sightings.is_news(summary(one))


def test_the_same_odd_row_is_asked_about_once_until_an_event_casts_doubt():
    sightings = Sightings()
    put(sightings, detail("a"))
    odd = summary(detail("a", {"other": "1"}))
    assert [sightings.is_news(odd), sightings.is_news(odd)] == [True, False]
    sightings.doubt("a")
    assert sightings.is_news(odd)


def test_a_disabled_container_is_no_news_and_not_shown():
    sightings = Sightings()
    off = detail("a", {"tidegate.enable": "false"})
    assert not sightings.is_news(summary(off))
    put(sightings, off)
    assert sightings.as_shown("a") is None


def test_a_borrowed_network_is_that_of_the_lender():
    sightings = Sightings()
    network = NetworkAddress(network="n", name="bridge", ipv4="172.17.0.2")
    put(sightings, detail("guest", network_mode="container:lender"))
    assert sightings.as_shown("guest").networks == ()
    assert put(sightings, detail("lender", networks=(network,))) == ("lender", "guest")
    assert sightings.as_shown("guest").networks == (network,)
    assert sightings.remove("lender") == ("guest",)
    assert sightings.as_shown("guest").networks == ()
    sightings.remove("guest")
    assert put(sightings, detail("lender", network_mode="host")) == ("lender",)


def test_the_lender_s_aliases_do_not_name_the_borrower():
    sightings = Sightings()
    place = NetworkAddress(network="n", name="front", ipv4="10.1.0.2", aliases=("db",))
    put(sightings, detail("lender", networks=(place,)))
    put(sightings, detail("guest", network_mode="container:lender"))
    assert sightings.as_shown("guest").networks[0].aliases == ()
    assert sightings.as_shown("lender").networks == (place,)


def test_who_borrows_from_the_host_stands_on_the_host():
    sightings = Sightings()
    put(sightings, detail("lender", network_mode="host"))
    put(sightings, detail("guest", network_mode="container:lender"))
    assert sightings.as_shown("guest").host_network


def test_destroyed_ids_are_remembered_within_a_bound():
    sightings = Sightings()
    for i in range(REMEMBERED_DESTRUCTIONS + 1):
        sightings.destroy(str(i))
    assert not sightings.is_destroyed("0")
    assert sightings.is_destroyed(str(REMEMBERED_DESTRUCTIONS))


def test_who_loses_an_address_to_a_newer_container_is_shown_anew_and_gets_it_back():
    sightings = Sightings()
    place = NetworkAddress(network="n", name="bridge", ipv4="172.17.0.2")
    put(sightings, detail("old", networks=(place,), started_at=1.0))
    put(sightings, detail("guest", network_mode="container:old"))
    assert put(sightings, detail("new", networks=(place,), started_at=2.0)) == ("new", "old", "guest")
    assert [sightings.as_shown(id_).networks[0].ipv4 for id_ in ("old", "guest", "new")] == ["", "", "172.17.0.2"]
    assert sightings.remove("new") == ("old", "guest")
    assert sightings.as_shown("guest").networks == sightings.as_shown("old").networks == (place,)
