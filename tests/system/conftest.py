"""Each test has its own containers, and its own Tidegate on free ports."""

from __future__ import annotations

import pytest

from tests.support.containers import containers
from tests.support.killable_engine import killable_engine  # noqa: F401  a fixture


@pytest.fixture
async def box(docker_engine_url):
    """Containers of this test on the real engine."""
    async with containers(docker_engine_url) as made:
        yield made


@pytest.fixture
def say(capsys):
    """Figures for whoever runs with -s, and in the report of a failure."""

    def line(text):
        with capsys.disabled():
            print(f"\n    {text}", end="")  # noqa: T201  the figures are what such a run is for

    return line
