"""The base of all values that parts of the program pass to each other."""

from __future__ import annotations

from typing import dataclass_transform

from msgspec import Struct, field


# The decorator tells type checkers that subclasses are frozen too, and that we build them by keyword (msgspec itself
# would also take positions).
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all values: frozen, keyword-only, small on the wire."""
