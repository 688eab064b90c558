from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from tests.support.channel import EMPTY, step, until
from tests.support.collector import Collector, values
from tests.support.counts import columns_of
from tests.support.origin import ok, serving
from tests.support.serve import running
from tidegate.app.launch import Launch
from tidegate.app.messages import Report
from tidegate.app.worker import DataPlane, _first_table
from tidegate.config import Config, DnsConfig, HttpConfig, StateConfig
from tidegate.model import Address
from tidegate.router.listener import bind
from tidegate.tasks import Tasks


class Channel:
    def __init__(self):
        self.told = asyncio.Event()


async def test_a_worker_waits_for_the_first_table_until_told_stopped_or_out_of_time():
    for event in ("told", "stop", "time"):
        channel, stop = Channel(), asyncio.Event()
        async with asyncio.timeout(10), Tasks("test") as tasks:
            waiting = tasks.spawn("wait", _first_table(channel, stop, 0.05 if event == "time" else 100.0))
            await asyncio.sleep(0)
            assert not waiting.done()
            if event != "time":
                {"told": channel.told, "stop": stop}[event].set()
            await waiting


def test_workers_of_a_node_take_each_other_s_dns_cookies_and_so_do_those_after_them(tmp_path):
    config = Config(
        http=HttpConfig(access_log=""), state=StateConfig(folder=str(tmp_path)), dns=DnsConfig(cookies=True)
    )
    one, other = (DataPlane(config, slot, print).zone.jar for slot in (0, 1))
    cookie = one.option(b"abcdefgh", b"\x7f\0\0\1")[4:]
    assert other.is_ours(cookie, b"\x7f\0\0\1")
    assert DataPlane(config, 0, print).zone.jar.is_ours(cookie, b"\x7f\0\0\1")


def test_dns_cookies_can_be_switched_off(tmp_path):
    config = Config(
        http=HttpConfig(access_log=""), dns=DnsConfig(cookies=False), state=StateConfig(folder=str(tmp_path))
    )
    assert DataPlane(config, 0, print).zone.jar is None


async def test_a_data_plane_follows_tables_answers_and_reports_its_last_counts_when_it_stops():
    config = Config(http=HttpConfig(access_log=""), dns=DnsConfig(listeners=()))
    sent, stop = [], asyncio.Event()
    plane = DataPlane(config, 0, sent.append)
    table, delta = step(EMPTY, a=1)
    plane.apply(table, delta)
    assert plane.zone.version == plane.router.book.version == 1
    listening = bind(Address(host="127.0.0.1", port=0))
    where = listening.getsockname()
    async with Tasks("test") as tasks:
        tasks.spawn("plane", plane.run(Launch(config=config, http=(listening.detach(),)), stop))
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
        stop.set()
        await until(lambda: sent)
        writer.transport.abort()
    reports = [each for each in sent if isinstance(each, Report)]
    assert sum(columns_of(tally.columns)[0] for report in reports for tally in report.counted) == 1


STATIC = """\
services:
  web:
    version: v1
    endpoints: ["{}:{}"]
routes:
  - {{host: web.example.test, path: /, backends: {{web: 100}}}}
"""


async def test_a_collector_gets_the_spans_of_a_real_program_and_the_container_their_ids(tmp_path):
    async def answers(peer):
        while (await peer.request()) is not None:
            await peer.send(ok())

    with Collector() as collector:
        async with serving(answers) as server:
            file = tmp_path / "static.yaml"
            file.write_text(STATIC.format(*server.address))
            arguments = ["--file", str(file), "--otlp", collector.url, "--trace-sample", "1", "--request-id", "new"]
            async with running(tmp_path, *arguments) as tidegate:
                await tidegate.answers("web.example.test")
                await until(lambda: collector.spans)
                _, metrics = await tidegate.get("/metrics")
                assert list(text_string_to_metric_families(metrics.decode()))
            asked = server.requests[-1]
    span = collector.spans[-1]
    assert asked.field("traceparent") == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    said = values(span.attributes)
    assert (said["http.route"], said["tidegate.service"], said["tidegate.version"]) == ("/", "web", "v1")
    assert said["tidegate.request_id"] == asked.field("x-request-id")
    resource = values(collector.requests[0].resource_spans[0].resource.attributes)
    assert resource["service.name"] == "tidegate"
    assert resource["service.instance.id"].endswith("-0")
    assert b"tidegate_tracing_dropped_spans_total" not in metrics
    record = tidegate.access()[-1]
    assert record["trace_id"] == span.trace_id.hex()
