import pytest

from tests.support.plane import Checks, Resolver, Workers, running
from tests.support.seen import instance
from tidegate.config import AdminConfig, Config, HttpConfig, ReleasesConfig, TracingConfig
from tidegate.control.neighbours import Neighbours
from tidegate.control.plane import ControlPlane, shown
from tidegate.errors import ConfigError
from tidegate.model import Address
from tidegate.router.decision import Decider
from tidegate.routing import TableCell


def test_a_plane_that_would_stand_open_is_not_even_made():
    config = Config(admin=AdminConfig(listeners=(Address(host="0.0.0.0", port=0),)))
    neighbours = {"publisher": TableCell(), "checks": Checks(), "resolve": Resolver(), "store": None}
    neighbours |= {"decide": Decider(HttpConfig(), b""), "followers": Workers(), "status": Workers()}
    with pytest.raises(ConfigError, match="T1601"):
        ControlPlane(config, Neighbours(**neighbours))


def test_secrets_are_not_shown():
    made = shown(
        Config(
            admin=AdminConfig(token="canary"),
            tracing=TracingConfig(headers=("a=canary",)),
            releases=ReleasesConfig(
                prometheus_headers=("a=canary",), webhooks=("http://a/canary",), webhook_secret="canary"
            ),
        )
    )
    assert "canary" not in str(made)
    assert made["admin"]["token"] == made["releases"]["webhooks"] == "(set)"
    assert shown(Config())["admin"]["token"] == ""


async def test_parts_run_together_and_stop_together(tmp_path):
    async with running(tmp_path) as world:
        world.see(instance("c1", routes=["a.test/"]))
        assert "a.test/" in world.cell.table.routes
    assert (tmp_path / "table.snapshot").exists()
    assert (tmp_path / "names").read_text().startswith("endpoint\tc1\n")
