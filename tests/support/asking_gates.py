"""A step of a release as gates are asked of it."""

from __future__ import annotations

from tidegate.control.asking import Asking
from tidegate.control.metrics import BUCKETS
from tidegate.release.samples import Counts, Window

NOTHING = Counts()


def asking(*gates, new=NOTHING, old=NOTHING, **more):
    window = Window(bounds=BUCKETS, seconds=61.25, candidate=new, stable=old)
    fields = {"release": "shop/web/12", "service": "shop/web", "candidate": "v2", "stable": "v1", "step": 2}
    return Asking(**(fields | {"share": 10.0, "gates": gates, "window": window} | more))
