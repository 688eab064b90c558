"""Every name of a setting, and the families they form. Pure.

Names form *families* by their first words. In most of them each name stands alone; a *whole* family (a filter) is said in
one place: a layer that says any of it replaces all that lower layers said of it, and `off` as the value of the family's
own name takes it away. A family that *protects* fails closed: where a label of it is wrong, the container is kept out.
docs/route-settings.md is the same vocabulary for people.
"""

from __future__ import annotations

from msgspec import Struct

from tidegate.settings.rows import NAMED, ROWS, Named


class Family(Struct, frozen=True, kw_only=True):
    """Names that belong together. `head` is the family's name and, in one that is `whole` or `clears`, a setting itself:
    `off` takes away what lower layers said of it; with `bare` there is `on` as well. At least one of `needs` must be said
    where any of it is.
    """

    head: str
    protects: bool = False
    whole: bool = False
    clears: bool = False
    bare: bool = False
    needs: tuple[str, ...] = ()


FAMILIES = (
    Family(head="filter"),
    Family(head="filter.allow", protects=True, whole=True),
    Family(head="filter.deny", protects=True, whole=True),
    Family(head="filter.rate", protects=True, whole=True, needs=("filter.rate.per_second",)),
    Family(head="filter.basic_auth", protects=True, whole=True, needs=("filter.basic_auth.users",)),
    Family(
        head="filter.forward_auth",
        protects=True,
        whole=True,
        needs=("filter.forward_auth.url", "filter.forward_auth.service"),
    ),
    Family(head="filter.cors", whole=True, needs=("filter.cors.origins",)),
    Family(
        head="filter.redirect",
        whole=True,
        needs=tuple(f"filter.redirect.{part}" for part in ("scheme", "host", "port", "path", "prefix")),
    ),
    Family(head="filter.compress", whole=True, bare=True),
    Family(head="filter.header.request", clears=True),
    Family(head="filter.header.response", clears=True),
    Family(head="page", clears=True),
    Family(head="balance"),
    Family(head="limit"),
    Family(head="retry"),
    Family(head="eject"),
    Family(head="timeout"),
    Family(head="tls"),
    Family(head="tls.clients", protects=True, whole=True, needs=("tls.clients.authority",)),
    Family(head="upstream", whole=True),
    Family(head="access_log"),
)

HEADS: dict[str, Family] = {family.head: family for family in FAMILIES if family.whole or family.clears}
TOPS: tuple[str, ...] = tuple(dict.fromkeys(family.head.partition(".")[0] for family in FAMILIES))


def family_of(name: str) -> Family | None:
    """The family that a name, known or not, belongs to by its first words; the longest where several fit."""
    fitting = [each for each in FAMILIES if within(name, each.head)]
    return max(fitting, key=lambda each: len(each.head), default=None)


def within(name: str, head: str) -> bool:
    """Whether `name` is `head`, or one below it."""
    return name == head or name.startswith(head + ".")


def named_of(name: str) -> Named | None:
    """The row of a name that ends in a word of the user's."""
    return next((each for each in NAMED if name.startswith(each.prefix) and len(name) > len(each.prefix)), None)


def all_names() -> tuple[str, ...]:
    """Every fixed name, and the heads of whole families."""
    return (*ROWS, *(head for head in HEADS if head not in ROWS))
