"""Figures of three nodes, gathered by the first."""

import asyncio

import pytest
from msgspec import json
from msgspec.structs import replace

from tests.support.seen import instance
from tests.support.used import used
from tidegate.control.figures import Counted, Figures, Question
from tidegate.control.gathering import Gathering
from tidegate.control.loads import Host
from tidegate.control.metrics import Registry
from tidegate.control.ports import Alone
from tidegate.control.traffic import Traffic

NOW = 1_700_000_000.0


class Nodes(Alone):
    """The other nodes, each with its answer, or why there is none."""

    alone = False

    def __init__(self, **answers):
        self.answers, self.asked = answers, {}

    def there(self):
        return tuple(self.answers)

    async def ask(self, node, question):
        self.asked[node] = json.decode(question, type=Question)
        answer = self.answers[node]
        return answer if isinstance(answer, str | bytes) else json.encode(answer)


class Meter:
    host = Host(busy_seconds=10.0, all_seconds=100.0, memory_bytes=1000, available_bytes=400)

    async def read(self, instances):
        return {each.id: used(percent=10.0) for each in instances}

    def load(self, instance):
        return used(percent=11.0) if instance == "a1" else None


def gathering(**answers):
    nodes = Nodes(**answers)
    return Gathering("a", Meter(), Traffic(lambda: 5.0), nodes, Registry(), lambda: NOW), nodes


REPLICAS = [instance("a1", node="a"), instance("b1", node="b"), instance("b2", node="b"), instance("c1", node="c")]


async def gathered(everywhere=True, replicas=REPLICAS, **answers):
    made, nodes = gathering(**answers)
    return await made.of("web", "v1", replicas, everywhere=everywhere), nodes


async def test_replicas_are_measured_by_their_nodes():
    told = Figures(now=120.0, loads={"b1": used(), "b2": used()}, counted=Counted(at=9.0, requests=4))
    found, nodes = await gathered(b=told, c="it does not answer in time")
    assert nodes.asked["b"] == Question(service="web", version="v1", instances=("b1", "b2"))
    assert {id_: each.cpu_percent for id_, each in found.loads.items()} == {"a1": 10.0, "b1": 40.0, "b2": 40.0}
    assert found.loads["b1"].until == NOW - 10, "on our clock"
    assert found.counted == {"a": Counted(at=5.0), "b": Counted(at=9.0, requests=4)}
    assert found.missing == {"c": "it does not answer in time"}


@pytest.mark.parametrize(("everywhere", "asked"), [(True, {"b", "c"}), (False, {"b"})])
async def test_who_has_no_replica_is_asked_only_for_what_routers_carry(everywhere, asked):
    _, nodes = await gathered(everywhere, REPLICAS[:3], b=Figures(now=NOW), c=Figures(now=NOW))
    assert set(nodes.asked) == asked


async def test_an_answer_that_is_not_understood_is_none():
    made, _ = gathering(b=b"[]")
    found = await made.of("web", "v1", REPLICAS[:2], everywhere=True)
    assert found.missing["b"].startswith("its answer is not understood: ")
    assert set(found.loads) == {"a1"}


async def test_what_nodes_say_in_time_is_told_though_others_say_nothing():
    class Slow(Nodes):
        async def ask(self, node, question):
            if node == "d":
                await asyncio.Event().wait()
            return await super().ask(node, question)

    told = Counted(at=1.0, flying={"x": 2}, lasting={"x": 1})
    nodes = Slow(b=Figures(now=NOW, counted=told), c="it is gone", d="never")
    made = Gathering("a", Meter(), Traffic(lambda: 5.0), nodes, Registry(), lambda: NOW)
    found = await made.elsewhere("web", "v1", 0.01)
    assert found.counted == {"b": told}
    assert found.missing == {"c": "it is gone", "d": "it does not answer in time"}
    assert nodes.asked["b"] == Question(service="web", version="v1")


async def test_a_round_keeps_what_each_node_measured_and_what_its_host_uses():
    host = Host(busy_seconds=50.0, all_seconds=200.0, memory_bytes=2000, available_bytes=500)
    made, nodes = gathering(b=Figures(now=NOW, loads={"b1": used()}, host=host), c="gone")
    await made.round()
    assert nodes.asked["b"] == Question(everything=True)
    assert made.load("a1").cpu_percent == 11.0
    assert made.load("b1").cpu_percent == 40.0
    assert made.load("c1") is None
    assert made.host("b") == {"memory_bytes": 2000, "memory_available_bytes": 500}, "one reading gives no share"
    assert made.host("a")["memory_bytes"] == 1000
    assert made.host("c") is None

    nodes.answers["b"] = Figures(now=NOW, host=replace(host, busy_seconds=60.0, all_seconds=220.0))
    await made.round()
    assert made.host("b")["cpu_percent"] == 50.0
    nodes.answers = {}
    await made.round()
    assert made.host("b") is None, "who is gone is forgotten"
