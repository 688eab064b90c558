from __future__ import annotations

from pathlib import Path

from tests.support.tree import ROOT, sources

# Source files with no test file of their own: the test file that covers them, or the reason why none does.
# An entry that no longer holds is removed.
TESTED_ELSEWHERE = {
    **dict.fromkeys(
        [f"tidegate/engine/process_{name}.py" for name in ("child", "container")],
        "tests/engine/test_process.py",
    ),
    "tidegate/building/work.py": "tests/building/test_build.py",
    **dict.fromkeys(
        [f"tidegate/settings/{name}.py" for name in ("addresses", "fields")], "tests/settings/test_kinds.py"
    ),
    **dict.fromkeys(
        [f"tidegate/discovery/{name}.py" for name in ("board", "inspector")], "tests/discovery/test_docker.py"
    ),
    "tidegate/control/neighbours.py": "tests/control/test_plane.py",
    **dict.fromkeys(
        [f"tidegate/control/{name}.py" for name in ("deploying", "releaseview")],
        "tests/control/test_releaseapi.py",
    ),
    **dict.fromkeys(
        [f"tidegate/control/{name}.py" for name in ("gating", "runner", "tidings")], "tests/control/test_releases.py"
    ),
    **dict.fromkeys(
        [
            f"tidegate/cli/catalogue/{name}.py"
            for name in ("admin", "dns", "docker", "http", "process", "records", "releases", "tls")
        ],
        "tests/cli/catalogue/test_row.py",
    ),
    "tidegate/control/copying.py": "tests/control/test_autoscaling.py",
    **dict.fromkeys(
        [f"tidegate/placement/{name}.py" for name in ("memory", "round", "scene")], "tests/placement/test_planning.py"
    ),
    **dict.fromkeys([f"tidegate/router/{name}.py" for name in ("pipe", "through")], "tests/router/test_peering.py"),
    **dict.fromkeys(
        [f"tidegate/control/{name}.py" for name in ("agent", "deeds", "grounds")],
        "tests/control/test_stacks.py",
    ),
    "tidegate/control/stackview.py": "tests/control/test_stackapi.py",
    **dict.fromkeys([f"tidegate/cli/stack_{name}.py" for name in ("file", "following")], "tests/cli/test_up.py"),
    "tidegate/engine/docker_faults.py": "tests/engine/test_docker_http.py",
    "tidegate/engine/docker_raw.py": "tests/engine/test_docker_wire.py",
}
INTERFACES = {
    "tidegate/engine/port.py",
    "tidegate/store/port.py",
    "tidegate/control/ports.py",
    "tidegate/discovery/provider.py",
    "tidegate/router/sink.py",
    "tidegate/__main__.py",
}
FREE_FOLDERS = {"policy", "integration", "system", "bench", "support", "fuzz"}


def test_every_source_file_has_its_test_file():
    missing = [
        str(path)
        for path in sources()
        if path.name != "__init__.py" and not listed(str(path)) and not mirrored(path).exists()
    ]
    assert not missing


def test_every_test_file_tests_a_source_file():
    strays = [
        str(path)
        for path in sources("tests")
        if path.name.startswith("test_") and path.parts[1] not in FREE_FOLDERS and not mirrors(path)
    ]
    assert not strays


def test_what_is_listed_is_true():
    assert not [name for name in [*TESTED_ELSEWHERE, *INTERFACES] if not (ROOT / name).exists()]
    assert not [name for name in [*TESTED_ELSEWHERE, *INTERFACES] if mirrored(Path(name)).exists()]
    assert not [test for test in TESTED_ELSEWHERE.values() if not (ROOT / test).exists()]


def listed(name):
    return name in TESTED_ELSEWHERE or name in INTERFACES


def mirrored(path):
    return ROOT / "tests" / path.relative_to("tidegate").with_name(f"test_{path.name}")


def mirrors(path):
    """A contract suite runs over every implementation of an interface, so it stands for none of them."""
    source = path.relative_to("tests").with_name(path.name.removeprefix("test_"))
    return path.stem.endswith("_contract") or (ROOT / "tidegate" / source).exists()
