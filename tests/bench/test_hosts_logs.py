"""What is counted of an answer of `tidegate logs`."""

from bench.macro.hosts_logs import seen


def line(node, at, number, replica="1.1"):
    return {"node": node, "service": "shop/static", "replica": replica, "at": at, "text": f"tick {number}"}


def test_lines_out_of_order_and_gaps_are_counted_and_nodes_that_are_named():
    lines = [line("a", 1.0, 1), line("b", 2.0, 5, "2.1"), line("a", 1.5, 2), line("b", 3.0, 7, "2.1")]
    lines.append(line("a", 4.0, 1))  # its container was started again
    told = {"data": {"lines": lines}, "warnings": [{"code": "T2307"}, {"code": "T2112"}]}
    counted = {"lines": 5.0, "nodes": 2.0, "replicas": 2.0, "disordered": 1.0, "gaps": 1.0, "named": 1.0}
    assert seen(told) == counted


def test_nobody_wrote_anything():
    assert set(seen({"data": {"lines": []}}).values()) == {0.0}
