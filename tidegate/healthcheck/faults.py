"""What an operator should know of an endpoint that gets no traffic because of its health. Pure."""

from __future__ import annotations

from tidegate.errors import Problem, Severity
from tidegate.model import ASLEEP, CheckTarget, HealthReport, HealthSource, HealthState


def problem(target: CheckTarget, report: HealthReport) -> Problem | None:
    """The problem of an unhealthy endpoint; None for any other. A starting one is only young."""
    if report.state is not HealthState.UNHEALTHY or report.source is HealthSource.NODE:
        return None  # what its node finds wrong its node tells
    if target.instance.startswith(f"{ASLEEP}:"):
        return None  # nobody is meant to be there
    if target.judge:
        tried = ", ".join(map(str, target.candidates)) or "no address"
        code, text = "T2304", f"on {target.judge} is not reached from here (tried {tried})"
        mend = "see the network to that node; publish the port, or declare the network routable, or give it a peer listener"
    elif report.source is HealthSource.ENGINE:
        code, text = "T1403", "is unhealthy for its engine"
        mend = "see the output of its HEALTHCHECK in the engine's inspect"
    elif report.address is None:
        tried = ", ".join(map(str, target.candidates)) or "no address"
        code, text = "T1401", f"accepts no connection (tried {tried})"
        mend = "let the service listen on 0.0.0.0 at that port, and share a network or a published port with Tidegate"
    else:
        code, text = "T1402", f"fails its health check at {report.address}"
        mend = "mend the service, or its probe label"
    return Problem(
        code=code,
        text=f"endpoint {target.endpoint} of {target.service} {text}",
        place=target.instance,
        cause=report.reason,
        mend=mend,
        kept="it gets no traffic; the other endpoints of the service do",
        severity=Severity.WARNING,
    )
