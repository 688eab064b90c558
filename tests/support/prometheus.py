"""A real Prometheus of Debian's, in a folder of its own, filled by `promtool` with samples of the test's making."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time

import aiohttp
import pytest

READY_SECONDS = 30.0


def exposed(samples, now):
    """OpenMetrics text of `(name, labels, seconds ago, value)`; the lines of a metric stand together, the eldest first."""
    lines = []
    for name in sorted({each[0] for each in samples}):
        lines.append(f"# TYPE {name} gauge")
        mine = [each for each in samples if each[0] == name]
        for _, labels, ago, value in sorted(mine, key=lambda each: (each[1], -each[2])):
            lines.append(f"{name}{labels} {value} {now - ago:.3f}")
    return "\n".join([*lines, "# EOF", ""])


@contextlib.asynccontextmanager
async def prometheus(folder, samples=(), scraped=()):
    """Its URL. Nothing is in it but `samples`, and what it gets from the hosts and ports of `scraped`, five times a second."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus: apt-get install prometheus")
    job = {"job_name": "mesh", "static_configs": [{"targets": list(scraped)}]}
    settings = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
    if samples:
        (folder / "samples.txt").write_text(exposed(samples, time.time()))
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "samples.txt", "data"]
        await asyncio.to_thread(
            subprocess.run, command, cwd=folder, check=True, timeout=READY_SECONDS, capture_output=True
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=1d",
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url, folder)
        yield url
    finally:
        process.kill()
        await process.wait()


async def _ready(url, folder):
    deadline = time.monotonic() + READY_SECONDS
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/-/ready") as answer:
                    if answer.status == 200:
                        return
            assert time.monotonic() < deadline, (folder / "log").read_text()
            await asyncio.sleep(0.05)
