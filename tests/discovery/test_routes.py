from tidegate.discovery.complaints import Complaints
from tidegate.discovery.hosts import ALIYUN, TIDEGATE
from tidegate.discovery.routes import MAX_HOSTS, RouteReader


def reader():
    complaints = Complaints(lambda at: at)
    return RouteReader(complaints, "local"), complaints


def test_claims_of_several_labels_add_up_in_order():
    routes, complaints = reader()
    routes.read("one", "b.test;a.test/x", 80, ALIYUN)
    routes.read("two", "*.c.test", 81, TIDEGATE)
    assert [(each.port, each.host, each.path, each.origin) for each in routes.claims] == [
        (80, "b.test", "/", "one"),
        (80, "a.test", "/x", "one"),
        (81, "*.c.test", "/", "two"),
    ]
    assert complaints.problems == ()


def test_the_first_port_keeps_a_route_that_two_ask_for():
    routes, complaints = reader()
    routes.read("one", "a.test", 80, ALIYUN)
    routes.read("two", "a.test;b.test", 81, ALIYUN)
    assert [(each.port, each.host) for each in routes.claims] == [(80, "a.test"), (81, "b.test")]
    assert [(each.code, each.place) for each in complaints.problems] == [("T1205", "two")]
    assert "port 80 by one" in complaints.problems[0].text


def test_plain_and_secure_of_one_route_are_one_plain_claim():
    routes, _ = reader()
    routes.read("one", "https://a.test;wss://a.test/x;http://a.test;ws://a.test/x", 80, ALIYUN)
    assert [(each.path, each.scheme) for each in routes.claims] == [("/", "http"), ("/x", "http")]


def test_paths_of_one_host_do_not_count_as_hosts():
    routes, complaints = reader()
    routes.read("one", ";".join(f"a.test/{i}" for i in range(MAX_HOSTS + 5)), 80, ALIYUN)
    assert (len(routes.claims), complaints.problems) == (MAX_HOSTS + 5, ())
