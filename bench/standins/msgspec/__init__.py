"""Stands in for msgspec where an interpreter cannot load it, and only for what `tidegate.placement` uses of it: values with fields and
defaults, equality, hashes, and `structs.replace`. Not frozen, and nothing is encoded. `bench.simulation` runs clusters with it under
PyPy; that the same seeds end the same with msgspec itself is tested.

Each class gets its methods as text compiled once, as `dataclasses` does: a loop over the fields would cost most of what PyPy gains.
"""

from __future__ import annotations

MISSING = object()


class Struct:
    """The base of values: keyword-only fields, in the order of their annotations."""

    __struct_fields__: tuple[str, ...] = ()
    __struct_defaults__: dict[str, object] = {}

    def __init_subclass__(cls, **_options: object) -> None:
        own = [name for name in vars(cls).get("__annotations__", {}) if not name.startswith("__")]
        defaults = {name: cls.__dict__[name] for name in own if name in cls.__dict__}
        for name in defaults:
            delattr(cls, name)
        cls.__struct_fields__ += tuple(name for name in own if name not in cls.__struct_fields__)
        cls.__struct_defaults__ = {**cls.__struct_defaults__, **defaults}
        scope = {"_class": cls, "_missing": MISSING, "_new": object.__new__}
        scope.update((f"_default_{name}", value) for name, value in cls.__struct_defaults__.items())
        exec(_text(cls.__struct_fields__, cls.__struct_defaults__), scope)
        for name in ("__init__", "__replaced__", "__eq__", "__hash__", "__repr__"):
            setattr(cls, name, scope[name])


def field(**_options: object) -> object:
    """No field of the placement is declared with options."""
    raise NotImplementedError


def _text(fields: tuple[str, ...], defaults: dict[str, object]) -> str:
    """The methods of one class. A default that can be changed is copied for each value."""
    star = "*, " if fields else ""
    made = "".join(f"    self.{name} = {_given(name, defaults)}\n" for name in fields)
    copied = "".join(f"    new.{name} = self.{name} if {name} is _missing else {name}\n" for name in fields)
    alike = " and ".join(f"self.{name} == other.{name}" for name in fields)
    said = " + ', ' + ".join(f"'{name}=' + repr(self.{name})" for name in fields)
    return (
        f"def __init__(self, {star}{', '.join(_parameter(name, defaults) for name in fields)}):\n{made or '    pass'}\n"
        f"def __replaced__(self, {star}{', '.join(f'{name}=_missing' for name in fields)}):\n"
        f"    new = _new(_class)\n{copied}    return new\n"
        f"def __eq__(self, other):\n    return {alike or 'True'} if other.__class__ is _class else NotImplemented\n"
        f"def __hash__(self):\n    return hash(({''.join(f'self.{name}, ' for name in fields)}))\n"
        f"def __repr__(self):\n    return _class.__name__ + '(' + {said or repr('')} + ')'\n"
    )


def _parameter(name: str, defaults: dict[str, object]) -> str:
    if name not in defaults:
        return name
    return f"{name}=_missing" if isinstance(defaults[name], dict) else f"{name}=_default_{name}"


def _given(name: str, defaults: dict[str, object]) -> str:
    if isinstance(defaults.get(name), dict):
        return f"dict(_default_{name}) if {name} is _missing else {name}"
    return name
