"""Metrics and logger names. Components declare their metrics here-shaped and get a registry; the null one is default.

`tidegate_<subsystem>_<what>_<unit>[_total]`, seconds and bytes, bounded labels. Counting is plain integer work; only
the control process renders (see docs/metrics.md for every name).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol


def logger(component: str) -> logging.Logger:
    """The logger of one component, `tidegate.<component>`."""
    return logging.getLogger(f"tidegate.{component}")


class Metrics(Protocol):
    """What a component may do with metrics. `labels` values must come from a bounded set."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...

    def spread(self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str) -> None:
        """Add many observations to a histogram: how many per bucket (one more than `bounds`), and their sum."""
        ...


class NullMetrics:
    """Counts nothing; the default everywhere."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Do nothing."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Do nothing."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Do nothing."""

    def spread(self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str) -> None:
        """Do nothing."""
