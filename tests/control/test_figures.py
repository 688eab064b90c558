from tests.support.used import used
from tidegate.control.figures import Counted, Figures, counted, moved
from tidegate.control.metrics import BUCKETS
from tidegate.control.traffic import COLUMNS, Traffic


def test_times_are_moved_to_the_clock_of_who_asked():
    found = moved(Figures(now=120.0, loads={"c1": used()}), 1000.0)
    assert (found.now, found.loads["c1"].since, found.loads["c1"].until) == (1000.0, 980.0, 990.0)


def test_what_routers_counted_is_told_as_it_stands():
    traffic = Traffic(lambda: 5.0)
    columns = [0] * COLUMNS
    columns[0] = 7
    traffic.add("endpoint", ("web", "v1", "c1:80"), b"".join(each.to_bytes(8, "little") for each in columns))
    traffic.fly(0, 1, [("endpoint", ("web", "v1", "c1:80"), 3), ("lasting", ("web", "v1", "c1:80"), 1)])
    told = counted(traffic, "web", "v1")
    assert (told.at, told.requests, told.in_flight, len(told.buckets)) == (5.0, 7, 3, len(BUCKETS) + 1)
    assert (told.flying, told.lasting) == ({"c1:80": 3}, {"c1:80": 1})
    assert counted(traffic, "web", "v2") == Counted(at=5.0)
