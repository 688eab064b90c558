"""`tidegate version`: the version, and which of the modules that may be compiled are."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

import click

import tidegate
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, common


@click.command()
@common
@click.pass_obj
def version(session: Session) -> None:
    """Print the version and how it was built."""
    forms = module_forms(compilable())
    compiled = sum(form == "compiled" for form in forms.values())
    data = {
        "version": tidegate.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "modules": forms,
    }

    def view(screen: Screen) -> None:
        screen.line(f"tidegate {data['version']}")
        screen.line(f"python {data['python']} on {data['platform']}, {compiled} of {len(forms)} modules compiled")

    emit(session, "version", data, view)


def compilable() -> tuple[str, ...]:
    """Modules that may be compiled: those with a .pxd beside them."""
    package = Path(tidegate.__file__).parent
    found = (path.relative_to(package.parent).with_suffix("") for path in package.rglob("*.pxd"))
    return tuple(sorted(".".join(path.parts) for path in found))


def module_forms(modules: tuple[str, ...]) -> dict[str, str]:
    """For each module that is here and may be compiled: `compiled` or `pure`."""
    specs = {name: importlib.util.find_spec(name) for name in modules}
    return {
        name: "pure" if (spec.origin or "").endswith(".py") else "compiled"
        for name, spec in specs.items()
        if spec is not None
    }
