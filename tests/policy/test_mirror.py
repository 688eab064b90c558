from __future__ import annotations

from pathlib import Path

from tests.support.tree import ROOT, sources

# Source files with no test file of their own, each with the reason. A reason that no longer holds is removed.
NO_TEST_OF_ITS_OWN = {
    "tidegate/engine/port.py": "an interface and its values; both engines are tested against it",
    "tidegate/store/port.py": "an interface and its values; the contract suite is tests/store/test_sqlite.py",
    "tidegate/control/ports.py": "interfaces only",
    "tidegate/discovery/provider.py": "an interface only",
    "tidegate/__main__.py": "three lines; the CLI tests run it",
}


def test_every_source_file_has_its_test_file():
    missing = [
        str(path)
        for path in sources()
        if path.name != "__init__.py" and str(path) not in NO_TEST_OF_ITS_OWN and not mirrored(path).exists()
    ]
    assert not missing


def test_every_test_file_tests_a_source_file():
    strays = [
        str(path)
        for path in sources("tests")
        if path.name.startswith("test_") and path.parts[1] not in FREE_FOLDERS and not mirrors(path).exists()
    ]
    assert not strays


def test_no_reason_outlives_its_file():
    assert not [name for name in NO_TEST_OF_ITS_OWN if mirrored(Path(name)).exists()]


FREE_FOLDERS = {"policy", "integration", "system", "bench", "support"}


def mirrored(path):
    return ROOT / "tests" / path.relative_to("tidegate").with_name(f"test_{path.name}")


def mirrors(path):
    return ROOT / "tidegate" / path.relative_to("tests").with_name(path.name.removeprefix("test_"))
