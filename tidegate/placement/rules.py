"""Conditions that people put on where replicas run.

A *constraint* speaks of the node, an *affinity* of what else is on it. Hard ones exclude nodes, soft ones (`~`) only prefer others.
All act on new places only; what runs is not moved by them (the rebalancer may, `rebalance`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from tidegate.value import Value

#: Keys of affinities that are no label of a container.
SERVICE, CONTAINER, IMAGE = "service", "container", "image"


class Kind(StrEnum):
    """What a rule speaks of."""

    CONSTRAINT = "constraint"
    AFFINITY = "affinity"


class Rule(Value):
    """`key` is `==` (`equal`) or `!=` `value`. `value` is text with `*` for anything, `(a|b)` for one of several, or `/regexp/`, which
    may be anywhere in it. `plain`: in Swarm mode's way, without any of these and in either case."""

    kind: Kind
    key: str
    value: str
    equal: bool = True
    soft: bool = False
    plain: bool = False

    def matches(self, candidates: Iterable[str]) -> bool:
        """Whether what stands for the key satisfies the rule: one of `candidates` is the value, or with `!=` none is."""
        fits = matcher(self.value, self.plain)
        return any(fits.search(each) for each in candidates) is self.equal

    def names(self, candidate: str) -> bool:
        """Whether the value means `candidate`, whichever way the rule goes."""
        return matcher(self.value, self.plain).search(candidate) is not None

    def __str__(self) -> str:
        sign = ("==" if self.equal else "!=") + ("~" if self.soft else "")
        if self.plain:
            return f"{self.key} {sign} {self.value}"
        return f"{self.kind.value}:{self.key}{sign}{self.value}"


class ZoneRule(Value):
    """Replicas of a service are in at least `zones` zones, as even as it goes; `soft`: as far as that is possible."""

    zones: int
    soft: bool = False

    def __str__(self) -> str:
        return f"availability:az=={'~' if self.soft else ''}{self.zones}"


class Reschedule(StrEnum):
    """What happens to replicas of a node that is gone. AUTO: they move if nothing of theirs stays behind there (no local volume).
    ALWAYS: they move. NEVER: they wait for the node."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@lru_cache(maxsize=4096)
def matcher(value: str, plain: bool = False) -> re.Pattern[str]:
    """The pattern of a rule's value, for `search`. Raises re.error, and only for a `/regexp/`."""
    if plain:
        return re.compile(rf"\A{re.escape(value)}\Z", re.IGNORECASE)
    if len(value) > 1 and value.startswith("/") and value.endswith("/"):
        return re.compile(value[1:-1])
    choices = value[1:-1].split("|") if value.startswith("(") and value.endswith(")") else [value]
    either = "|".join(re.escape(each.strip()).replace(r"\*", ".*") for each in choices)
    return re.compile(rf"\A(?:{either})\Z", re.DOTALL)
