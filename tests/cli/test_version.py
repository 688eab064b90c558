from __future__ import annotations

import tidegate
from tests.support.cli import piped
from tidegate.cli.version import compilable, module_forms


def test_the_version_is_that_of_the_package():
    assert piped("version").out.splitlines()[0] == f"tidegate {tidegate.__version__}"
    assert piped("version", "--json").json["data"]["version"] == tidegate.__version__


def test_each_module_is_compiled_or_pure():
    forms = module_forms(compilable())
    assert "tidegate.http1.request" in forms
    assert set(forms.values()) <= {"compiled", "pure"}


def test_a_module_is_told_by_the_file_it_comes_from():
    assert module_forms(("tidegate.errors", "tidegate.no_such")) == {"tidegate.errors": "pure"}
    assert module_forms(("msgspec._core",)) == {"msgspec._core": "compiled"}
