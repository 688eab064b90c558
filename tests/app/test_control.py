from __future__ import annotations

import asyncio
import contextlib
import os
import re
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from tests.support.channel import until
from tests.support.counts import add
from tests.support.router import route
from tests.support.tree import text
from tidegate.app.control import Control, Engines
from tidegate.app.launch import Launch
from tidegate.app.messages import Columns, Drained, Report, Sample, Tally
from tidegate.app.report import Reporter
from tidegate.config import AdminConfig, Config, DnsConfig, DockerConfig, HttpConfig, StateConfig
from tidegate.errors import ConfigError, EngineUnreachable
from tidegate.router.live import LiveRoute
from tidegate.router.worker import Router
from tidegate.store import session
from tidegate.store.opening import open_store
from tidegate.tasks import Tasks

STATIC = """\
services:
  web:
    endpoints: ["127.0.0.1:1"]
routes:
  - {host: web.example.test, path: /, backends: {web: 100}}
"""


@contextlib.asynccontextmanager
async def control(folder, listening, *, store="", **docker):
    """A running control over one static file and one engine that is not there. `store` is the URL of a cluster store."""
    (folder / "static.yaml").write_text(STATIC)
    config = Config(
        admin=AdminConfig(listeners=()),
        dns=DnsConfig(listeners=()),
        docker=DockerConfig(urls=(f"unix://{folder}/no-docker.sock",), **docker),
        files=(str(folder / "static.yaml"),),
        state=StateConfig(folder=str(folder), store=store),
    )
    store = await open_store(config.state)
    stop = asyncio.Event()
    made = Control(Launch(config=config, channel=os.dup(listening.fileno())), store)
    try:
        async with Tasks("test") as tasks:
            tasks.spawn("control", made.run(stop))
            try:
                yield made
            finally:
                stop.set()
    finally:
        await store.close()


async def test_with_an_engine_that_cannot_be_seen_the_files_are_served_and_it_is_still_waited_for(
    tmp_path, channel_socket
):
    async with control(tmp_path, channel_socket) as made:
        await until(lambda: made.cell.table.routes)
        assert set(made.cell.table.routes) == {"web.example.test/"}
        assert made.plane.reconciler.waiting_for == {f"docker:unix://{tmp_path}/no-docker.sock"}


async def test_an_engine_that_is_not_required_is_not_waited_for(tmp_path, channel_socket):
    async with control(tmp_path, channel_socket, required=False) as made:
        await until(lambda: made.cell.table.routes)
        assert not made.plane.reconciler.waiting_for


async def test_a_remembered_table_is_not_emptied_by_a_file_alone(tmp_path, channel_socket):
    async with control(tmp_path, channel_socket) as made:
        await until(lambda: made.cell.table.routes)
    (tmp_path / "static.yaml").write_text("services: {}\n")
    static = "services: {}\n"
    async with control(tmp_path, channel_socket) as made:
        (tmp_path / "static.yaml").write_text(static)
        await until(lambda: made.cell.table.routes)
        await until(lambda: len(made.plane.reconciler.inventories) == 1)
        assert set(made.cell.table.routes) == {"web.example.test/"}


async def test_a_cluster_store_that_is_away_is_told_and_the_remembered_table_serves(
    tmp_path, channel_socket, monkeypatch
):
    async with control(tmp_path, channel_socket) as made:
        await until(lambda: made.cell.table.routes)
    monkeypatch.setattr(session, "CALL_SECONDS", 0.2)
    async with control(tmp_path, channel_socket, store="etcd://127.0.0.1:1") as made:
        await until(lambda: made.cell.table.routes)
        await until(lambda: "T1520" in {problem.code for problem in made.plane.reconciler.problems})
        assert "overrides" in made.plane.reconciler.waiting_for


async def test_what_workers_report_is_summed_and_told(tmp_path, channel_socket):
    async with control(tmp_path, channel_socket) as made:
        for slot in (0, 1):
            made.take(slot, Report(counters=(Sample("tidegate_router_accepted_connections_total", (), 3.0),)))
        assert b"tidegate_router_accepted_connections_total 6.0" in made.registry.text()
        made.take(1, Drained(endpoint="e:80"))
        assert any("e:80" in happening.text for happening in made.plane.journal.happenings(0, 100))


@pytest.mark.parametrize(
    ("accept", "read"), [("", prometheus), ("application/openmetrics-text;version=1.0.0", openmetrics)]
)
async def test_everything_a_worker_can_tell_is_a_page_that_both_parsers_read(tmp_path, channel_socket, accept, read):
    async with control(tmp_path, channel_socket) as made:
        router = Router(HttpConfig(access_log=""), on_failure=lambda *_: None, on_drained=lambda _: None)
        add(router.core.unrouted)
        router.core.failures["", "no-route"] = 1
        router.core.accepted = router.core.refused = router.core.evicted = router.keeper.pauses = 1
        router.ejections["web", "", "e:80"] = 1
        router.book.routes["a.test/"] = refusing = LiveRoute(route())
        refusing.budget.exhausted = 1
        spans = SimpleNamespace(sent=1, dropped={"full": 1})
        report = Reporter(0, spans).report(router)
        flying = (*report.in_flight, Columns("endpoint", ("web", "", "e:80"), (1,)))
        counted = Tally("endpoint", ("web", "", "e:80"), report.counted[0].columns)
        made.take(0, replace(report, in_flight=flying, counted=(*report.counted, counted)))
        parts, _ = made.registry.exposed(accept)
        body = b"".join(parts)
        families = [family.name for family in read(body.decode())]
    assert len(families) == len(set(families))
    assert {f"tidegate_router_{kind}_requests" for kind in ("route", "service", "endpoint")} <= set(families)
    described = set(re.findall(r"^\| `(tidegate_(?:router|tracing)_\w+)` \|", text("docs/metrics.md"), re.MULTILINE))
    told = {name.removesuffix("_total") for name in families}
    missing = {name for name in described if name.removesuffix("_total") not in told}
    assert missing == {"tidegate_router_log_lines_dropped_total"}


async def test_a_command_for_an_instance_nobody_has_fails_as_an_engine_fault():
    engines = Engines(Config(docker=DockerConfig(urls=())))
    with pytest.raises(EngineUnreachable):
        await engines.execute("unknown", ("true",), 1.0)
    await engines.close()


async def test_an_engine_over_tcp_gets_the_tls_files_that_are_configured(tmp_path):
    docker = DockerConfig(urls=("tcp://127.0.0.1:1",), tls_folder=str(tmp_path / "certs"))
    engines = Engines(Config(docker=docker))
    ((_, engine),) = engines.followed
    with pytest.raises(ConfigError) as caught:
        await engine.ping()
    assert str(tmp_path / "certs" / "ca.pem") in str(caught.value)
    await engines.close()


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"processes": True}, ["process", "docker:unix:///a"]),
        ({"processes": True, "docker": DockerConfig(urls=())}, ["process"]),
        ({"docker": DockerConfig(urls=())}, []),
        ({"stack": "c.yaml", "docker": DockerConfig(urls=())}, ["process"]),
        ({"stack": "c.yaml"}, ["docker:unix:///a"]),
    ],
)
async def test_stacks_run_on_the_first_engine_which_is_processes_only_where_that_was_said(tmp_path, said, names):
    said = {"docker": DockerConfig(urls=("unix:///a",)), **said}
    engines = Engines(Config(state=StateConfig(folder=str(tmp_path)), **said))
    assert [name for name, _ in engines.followed] == names
    await engines.close()
