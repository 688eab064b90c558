"""What a real engine holds, as the scheduler is told it."""

from __future__ import annotations

import json

from tests.support.beside import beside
from tests.support.containers import PYTHON
from tests.support.placement import demand, node, placed, slots
from tests.support.serve import free_port, running, until
from tidegate.config import DockerConfig
from tidegate.control.stocktaking import Stocktaking
from tidegate.discovery.docker import EngineProvider
from tidegate.engine.docker import DockerEngine
from tidegate.placement.node import NodeFacts


async def owner():
    return "this store"


async def goes(stock, *expressions, **more):
    """Where a replica goes, of the real node and an empty one."""
    nodes = (stock.of(NodeFacts(name="real", zone="a")), node("empty", zone="a"))
    return placed(slots(1), nodes, [demand("shop/web", *expressions, **more)])[0]


async def test_replicas_go_by_the_ports_images_containers_and_volumes_of_a_real_engine(box):
    port, image, volume = str(free_port()), f"tidegate-test/{box.prefix}:1", f"{box.prefix}-data"
    engine = DockerEngine(box.url)
    stock = Stocktaking(engine, owner)
    provider = EngineProvider(engine, "docker", "real", DockerConfig(), heard=stock.heard)
    try:
        async with beside(stock.run(), provider.run(lambda _: None)):
            await until(
                lambda: PYTHON in {each.partition(":")[0] for each in stock.stock.images}, what="images are known"
            )
            assert await goes(stock, ports=(f"tcp/{port}",), image=f"{PYTHON}:latest") == "real"
            name = await box.run(
                "db",
                "/bin/busybox",
                "sleep",
                "600",
                image=PYTHON,
                labels={"tier": "db"},
                options=("-p", f"{port}:80", "-v", f"{volume}:/data"),
            )
            await until(lambda: name in stock.stock.containers, what="the container was seen")
            await box.docker("tag", PYTHON, image)
            await until(lambda: image in stock.stock.images and volume in stock.stock.volumes, what="all was seen")
            assert await goes(stock, ports=(f"tcp/{port}",)) == "empty"
            assert await goes(stock, image=image) == "real"
            assert await goes(stock, f"affinity:image==tidegate-test/{box.prefix}") == "real"
            assert await goes(stock, f"affinity:container=={name}") == "real"
            assert await goes(stock, "affinity:tier!=db") == "empty"
            assert await goes(stock, volumes=(volume,)) == "real"
            await box.docker("update", "--memory-reservation", "64m", name)
            await until(lambda: stock.stock.taken.memory == 64 << 20, what="what it sets aside was seen")
            await box.docker("rm", "-f", name)
            await until(lambda: f"tcp/{port}" not in stock.stock.ports, what="the port is free")
    finally:
        await box.docker("rmi", image, check=False)
        await box.docker("volume", "rm", volume, check=False)
        await engine.close()


async def test_a_replica_that_waits_for_a_port_is_explained_and_comes_when_it_is_free(box, tmp_path, say):
    port = str(free_port())
    other = await box.run("holder", "/bin/busybox", "sleep", "600", image=PYTHON, options=("-p", f"{port}:80"))
    file = tmp_path / "compose.yaml"
    web = {
        "image": PYTHON,
        "command": ["/bin/busybox", "sleep", "600"],
        "ports": [f"{port}:80"],
        "stop_grace_period": "1s",
    }
    file.write_text(json.dumps({"name": box.prefix, "services": {"web": web}}))
    async with running(tmp_path, docker=box.url) as tidegate:
        try:
            await tidegate.cli("up", "-f", str(file), "--no-wait")
            said = await until(lambda: waiting(tidegate, f"{box.prefix}/web"), what="the replica waits")
            say(" / ".join(said["steps"]))
            assert [miss["filter"] for miss in said["explanation"]["misses"]] == ["port"]
            told = (await tidegate.cli("explain", f"{box.prefix}/web")).out
            assert "no node of 1 takes it" in told and port in told
            assert f"tcp/{port}" in (await tidegate.api("/v1/nodes"))["nodes"][0]["holds"]["ports"]
            await box.docker("rm", "-f", other)
            await until(lambda: ready(tidegate, box.prefix), what="the replica runs")
            assert "one more" in (await tidegate.cli("explain", f"{box.prefix}/web")).out
        finally:
            await tidegate.cli("down", box.prefix)


async def waiting(tidegate, service):
    stack, _, name = service.partition("/")
    status, body = await tidegate.get(f"/v1/stacks/{stack}/services/{name}/explain")
    found = json.loads(body) if status == 200 else {}
    return found if found.get("waiting") and not found["explanation"]["candidates"] else None


async def ready(tidegate, stack):
    return (await tidegate.api(f"/v1/stacks/{stack}"))["ready"] == 1
