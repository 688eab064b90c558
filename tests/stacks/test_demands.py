import pytest

from tests.support.compose import service
from tidegate.placement.demand import Demand
from tidegate.placement.resources import Resources
from tidegate.placement.rules import Kind, Reschedule, Rule, ZoneRule
from tidegate.stacks.demands import demand, host_ports

TEXT = """
    platform: linux/arm64
    mem_reservation: 64m
    environment: ['affinity:service!=~db', 'availability:az==2', 'reschedule:on-node-failure']
    ports: ['8080:80', '53:53/udp', '9000-9010:90', '81']
    deploy:
      placement:
        constraints: [node.role == worker]
        preferences: [{spread: node.labels.rack}]
        max_replicas_per_node: 2
      update_config: {parallelism: 3, monitor: 30s}
"""


def test_everything_that_decides_where_a_replica_runs_is_said():
    web = service(TEXT)
    assert demand(web, 4, ("shop_data",)) == Demand(
        service="shop/web",
        revision=web.revision,
        replicas=4,
        reservation=Resources(memory=64 << 20),
        ports=("tcp/8080", "udp/53"),
        rules=(
            Rule(kind=Kind.AFFINITY, key="service", value="db", equal=False, soft=True),
            Rule(kind=Kind.CONSTRAINT, key="node.role", value="worker", plain=True),
        ),
        zones=ZoneRule(zones=2),
        spread=("node.labels.rack",),
        max_per_node=2,
        platforms=("linux/arm64",),
        volumes=("shop_data",),
        image="x",
        labels=web.template.labels,
        reschedule=Reschedule.ALWAYS,
        max_parallel=3,
        min_healthy=30.0,
    )


def test_a_plain_service_demands_nothing():
    web = service("labels: {aliyun.global: true}")
    found = demand(web, 1)
    assert found == Demand(
        service="shop/web", revision=web.revision, everywhere=True, image="x", labels=web.template.labels
    )


@pytest.mark.parametrize(
    ("text", "ports"),
    [("ports: ['80']", ()), ("network_mode: host\nexpose: [80, '53/udp']", ("tcp/80", "udp/53")), ("expose: [80]", ())],
)
def test_only_a_port_that_nobody_else_can_have_counts(text, ports):
    assert host_ports(service(text)) == ports


def test_all_at_once_means_as_many_as_there_are():
    assert demand(service("deploy: {update_config: {parallelism: 0}}"), 7).max_parallel == 7
