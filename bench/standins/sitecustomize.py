"""What Python 3.11 has in its library and an older interpreter does not, as far as `tidegate.placement` names it."""

import enum
import typing

if not hasattr(enum, "StrEnum"):

    class StrEnum(str, enum.Enum):  # noqa: UP042  there is no other here
        """An enumeration whose members are texts."""

        __str__ = str.__str__
        __hash__ = str.__hash__

        def __format__(self, spec):
            return format(self.value, spec)

    enum.StrEnum = StrEnum

if not hasattr(typing, "Self"):
    typing.Self = typing.Any
if not hasattr(typing, "dataclass_transform"):
    typing.dataclass_transform = lambda **_options: lambda decorated: decorated
