import pytest

from tests.support.built import make, spec
from tidegate.control.figures import Counted, counted
from tidegate.control.metrics import BUCKETS
from tidegate.control.pace import Pace, percentile
from tidegate.control.traffic import COLUMNS, Traffic
from tidegate.elasticity import Metric
from tidegate.model import Backend

KEY = ("shop/web", "v1", "c1:80")


class Time:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def traffic(time):
    made = Traffic(time)
    made.fly(0, 1, ())
    return made


def answer(traffic, number, bucket=8):
    """So many requests whose response began within the time of this bucket."""
    columns = [0] * COLUMNS
    columns[0] = number
    columns[-2 * (len(BUCKETS) + 1) + 2 * bucket + 1] = number
    traffic.add("endpoint", KEY, b"".join(each.to_bytes(8, "little") for each in columns))


def looks(pace, **nodes):
    """What our own routers carried, and those of other nodes."""
    return pace.of("shop/web", "v1", {"": counted(pace._traffic, "shop/web", "v1"), **nodes}).figures


def test_the_first_look_knows_nothing(traffic):
    assert looks(Pace(traffic)) == {}


def test_requests_per_second_in_flight_and_latency_since_the_last_look(traffic, time):
    pace = Pace(traffic)
    looks(pace)
    answer(traffic, 40)
    time.now += 10
    traffic.fly(0, 1, [("endpoint", KEY, 3)])
    found = looks(pace)
    assert (found[Metric.REQUESTS], found[Metric.IN_FLIGHT]) == (4.0, 3.0)
    assert BUCKETS[7] < found[Metric.P95] <= BUCKETS[8]


def test_nobody_waits_where_nobody_came(traffic, time):
    pace = Pace(traffic)
    looks(pace)
    time.now += 10
    traffic.fly(0, 1, ())
    assert looks(pace) == {Metric.REQUESTS: 0.0, Metric.IN_FLIGHT: 0.0, Metric.P95: 0.0}


def test_where_requests_hang_the_latency_is_not_known(traffic, time):
    pace = Pace(traffic)
    looks(pace)
    time.now += 10
    traffic.fly(0, 1, [("endpoint", KEY, 5)])
    assert Metric.P95 not in looks(pace)


def test_without_a_new_report_the_last_figures_stand(traffic, time):
    pace = Pace(traffic)
    looks(pace)
    answer(traffic, 10)
    time.now += 10
    traffic.fly(0, 1, ())
    assert looks(pace)[Metric.REQUESTS] == 1.0
    assert looks(pace)[Metric.REQUESTS] == 1.0


def test_a_service_that_is_forgotten_begins_anew(traffic, time):
    pace = Pace(traffic)
    looks(pace)
    time.now += 10
    traffic.fly(0, 1, ())
    pace.forget("shop/web")
    assert looks(pace) == {}


def of(at, requests, flying=0, bucket=0):
    buckets = [0] * (len(BUCKETS) + 1)
    buckets[bucket] = requests
    return Counted(at=at, requests=requests, buckets=tuple(buckets), in_flight=flying)


def test_the_traffic_of_all_nodes_is_added_up_each_by_its_own_clock():
    pace = Pace(Traffic(Time()))
    pace.of("web", "", {"a": of(10.0, 100), "b": of(5000.0, 0)})
    found = pace.of("web", "", {"a": of(20.0, 200, 2), "b": of(5005.0, 100, 3, bucket=9)}).figures
    assert (found[Metric.REQUESTS], found[Metric.IN_FLIGHT]) == (30.0, 5.0)
    assert BUCKETS[8] < found[Metric.P95] <= BUCKETS[9], "half of all requests took that long"


def test_a_node_is_counted_from_when_it_is_first_heard_and_named_until_then():
    pace = Pace(Traffic(Time()))
    pace.of("web", "", {"a": of(10.0, 100)})
    paced = pace.of("web", "", {"a": of(20.0, 200), "b": of(20.0, 5000)})
    assert (paced.figures[Metric.REQUESTS], paced.new) == (10.0, ("b",))
    paced = pace.of("web", "", {"a": of(30.0, 300), "b": of(30.0, 5050)})
    assert (paced.figures[Metric.REQUESTS], paced.new) == (15.0, ())


def test_a_node_whose_control_began_anew_is_counted_from_there():
    pace = Pace(Traffic(Time()))
    pace.of("web", "", {"a": of(10.0, 100), "b": of(10.0, 900)})
    paced = pace.of("web", "", {"a": of(20.0, 200), "b": of(20.0, 3)})
    assert (paced.figures[Metric.REQUESTS], paced.new) == (10.0, ("b",))


def test_a_node_that_could_not_be_asked_for_a_look_goes_on_from_the_look_before():
    pace = Pace(Traffic(Time()))
    for at, nodes in ((10.0, "ab"), (20.0, "a"), (30.0, "ab")):
        paced = pace.of("web", "", {node: of(at, int(at) * 10) for node in nodes})
    assert (paced.figures[Metric.REQUESTS], paced.new) == (20.0, ())


def test_requests_wait_on_routes_to_nobody_else(traffic):
    both = spec("b.test/", Backend(service="shop/web"), Backend(service="shop/api"))
    table = make(routes=(spec("a.test/", Backend(service="shop/web")), both)).table
    traffic.fly(0, 1, [("route", ("a.test/",), 3), ("route", ("b.test/",), 5)])
    assert Pace(traffic).waiting("shop/web", table) == 3
    assert Pace(traffic).waiting("shop/api", table) == 0


@pytest.mark.parametrize(
    ("counts", "share", "seconds"),
    [
        ([0] * 17, 0.95, 0.0),
        ([100] + [0] * 16, 0.5, 0.00025),
        ([50, 50] + [0] * 15, 0.75, 0.00075),
        ([0] * 16 + [9], 0.95, 60.0),
    ],
)
def test_a_percentile_lies_within_its_bucket(counts, share, seconds):
    assert percentile(counts, share) == pytest.approx(seconds)
