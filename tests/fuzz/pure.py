"""The codec as plain Python, whether or not compiled modules stand beside it: coverage can be seen only there."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "tidegate" / "http1"
MODULES = ("characters", "events", "writer", "authority", "target", "fields", "lines", "request", "response", "chunks")


def load_uncompiled():
    """Import the codec from its sources; its functions and methods."""
    found = []
    for name in MODULES:
        full = f"tidegate.http1.{name}"
        assert full not in sys.modules, f"{full} is loaded already"
        spec = importlib.util.spec_from_file_location(full, PACKAGE / f"{name}.py")
        module = sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        setattr(importlib.import_module("tidegate.http1"), name, module)
        found += _functions(module, full)
    return found


def _functions(module, full):
    for value in vars(module).values():
        if getattr(value, "__module__", "") != full:
            continue
        if inspect.isfunction(value):
            yield value
        elif inspect.isclass(value):
            yield from filter(inspect.isfunction, vars(value).values())
