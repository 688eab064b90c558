"""Builds the routing table from what is seen, what is known of its health, and what the operator set. Pure.

Words: a *part* is all that one service contributes (`parts`); a *group* is what one service asks for on one route
(`claims`); the *owner* of a route is the project that holds it; a claim *lingers* for a while after its last live
instance went, so that stop-then-start answers 503 or holds instead of 404.

`build` makes the next `Build` from the previous one at a cost that follows the change: services whose tuple of
instances is another object, whose endpoints' health changed, or that an override names are built again, then the
routes and DNS names these touch; everything else is shared. One build in the making is a `Work`: `changed` fills it with what
is to be done, `services`, `places`, `previews` and `names` do it; `naming` says what a service is called, `waiting` which of its
versions must not have a share yet. Nothing is mutated: a `Build` may be built upon twice.

Must not happen here: I/O, clocks, randomness; raising on anything an operator or a container wrote.
"""

from tidegate.building.build import build
from tidegate.building.options import BuildOptions
from tidegate.building.outcome import Build
from tidegate.building.resuming import resumed

__all__ = ["Build", "BuildOptions", "build", "resumed"]
