"""One row of the catalogue of settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.value import Value


class Setting(Value, frozen=True):
    """One row. `read` turns one text into the field's value and raises ValueError; `many` collects a tuple."""

    key: str
    read: Callable[[str], Any]
    help: str
    flag: str = ""
    meta: str = "TEXT"
    many: bool = False
    secret: bool = False
    masked: Callable[[str], str] | None = None  # how its value is shown, where a part of it is secret

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        name = self.flag.removeprefix("--") or self.key
        return "TIDEGATE_" + name.replace("-", "_").replace(".", "_").upper()
