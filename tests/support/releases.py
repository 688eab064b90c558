"""Releases for tests: a spec of three replicas, containers as they would be seen."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.model import InstanceState
from tidegate.release.record import begun
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Retire, Side, Slot, Spec, Step, Strategy

WEB = "shop/web"
V1 = Side(service=WEB, version="v1", image="web:1")
V2 = Side(service=WEB, version="v2", image="web:2")


def spec(**given):
    """A blue-green release of three replicas, without gates unless given."""
    shown = {
        "service": WEB,
        "strategy": Strategy.BLUE_GREEN,
        "stable": V1,
        "candidate": V2,
        "targets": (WEB,),
        "steps": (
            Step(candidates=3, share=0, stables=3),
            Step(candidates=3, share=100, stables=3, hold_seconds=60.0, confirm=True),
        ),
        "stables": 3,
        "replicas": 3,
        "slots": tuple(Slot(container=f"old{number}") for number in (1, 2, 3)),
        "prefix": "web-v2-",
        "discard": Retire.REMOVE,
        "gates": (),
    }
    return Spec(**shown | given)


def release(number=1, now=1000.0, **given):
    return begun(spec(**given), number, now, "ann", "a new colour")


def container(id_, number=0, **given):
    """A container that has been ready for an hour, at time 1000."""
    shown = {"name": id_, "number": number, "ready_since": 1.0} | given
    return Container(id=id_, **shown)


def olds(count=3, **given):
    return tuple(container(f"old{number}", number, **given) for number in range(1, count + 1))


def news(count=3, **given):
    return tuple(container(f"new{number}", number, **given) for number in range(1, count + 1))


def seen(stable=None, candidate=(), **given):
    return Seen(stable=olds() if stable is None else stable, candidate=candidate, **{"live": True} | given)


def ended(container_, exit_code=0):
    return replace(container_, state=InstanceState.STOPPED, ready_since=0.0, exit_code=exit_code)
