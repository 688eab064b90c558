import pytest

from tests.support.built import make, spec
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


def looks(pace):
    return pace.of("shop/web", "v1")


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
