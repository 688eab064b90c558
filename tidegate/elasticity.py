"""How the number of a service's replicas is to follow its load, as its containers' labels say it; frozen values.

Two ways, never both: *bounds* are the original system's (so many more or fewer when a mean was beyond one for some periods in
a row), *targets* are those of Kubernetes (as many as bring the mean to the target). docs/autoscaling.md tells users.
"""

from __future__ import annotations

from enum import StrEnum

from tidegate.value import Value


class Metric(StrEnum):
    """What is measured, in the labels' words. CPU is percent of what a replica may use (of one core where it has no limit),
    MEMORY of its limit, RECEIVED and SENT bytes per second; each the mean over replicas. REQUESTS (per second) and IN_FLIGHT
    are those of the whole service, P95 is the container's time in seconds, QUERY what Prometheus says."""

    CPU = "cpu"
    MEMORY = "memory"
    RECEIVED = "internetInRate"
    SENT = "internetOutRate"
    REQUESTS = "requests"
    IN_FLIGHT = "in_flight"
    P95 = "p95"
    QUERY = "query"


#: Measured at each replica; the others at the service as a whole.
OF_REPLICAS = frozenset((Metric.CPU, Metric.MEMORY, Metric.RECEIVED, Metric.SENT))
#: In percent.
PERCENTAGES = frozenset((Metric.CPU, Metric.MEMORY))


class Bound(Value):
    """More replicas above `high`, fewer below `low`; None: never for this reason. `assumed`: nobody said `low`."""

    metric: Metric
    high: float | None = None
    low: float | None = None
    assumed: bool = False


class Target(Value):
    """What one replica is meant to have of `metric`. `query` is an expression of PromQL for QUERY: its value is shared by all
    replicas."""

    metric: Metric
    value: float
    query: str = ""


class ScalingPolicy(Value):
    """From `least` to `most` replicas. With bounds: `step` replicas at a time, after `periods` means over `period_seconds` each.
    With targets: what was right at any time in the last `in_window_seconds` is not undone by scaling in, nor in the last
    `out_window_seconds` by scaling out."""

    least: int = 1
    most: int = 10
    bounds: tuple[Bound, ...] = ()
    targets: tuple[Target, ...] = ()
    step: int = 1
    period_seconds: float = 60.0
    periods: int = 3
    scale_in: bool = True
    out_window_seconds: float = 0.0
    in_window_seconds: float = 300.0
