"""A stack with an overlay network, on a real engine that is in a swarm."""

from __future__ import annotations

import contextlib
import json

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER
from tests.support.serve import running

HOST = "overlay.example.test"
ASK = r"""
import socket
peer = socket.create_connection(("db", 80), 5)
peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
print(peer.recv(9999).decode().split("\r\n\r\n")[1].split()[0])
"""


@contextlib.asynccontextmanager
async def in_a_swarm(box):
    """A swarm of one, unless the engine is in one already."""
    state = await box.docker("info", "--format", "{{.Swarm.LocalNodeState}}")
    if state != "active":
        await box.docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377")
    try:
        yield
    finally:
        if state != "active":
            await box.docker("swarm", "leave", "--force", check=False)


def compose(stack):
    """`web` has a route and stands on both networks, `db` on the overlay alone."""
    command = [PYTHON_PATH, "-S", "-c", SERVER.replace("$", "$$")]
    rest = {"image": PYTHON, "stop_grace_period": "1s"}
    return {
        "name": stack,
        "networks": {"mesh": {"driver": "overlay"}},
        "services": {
            "web": {
                **rest,
                "command": [*command, "web", "80", "0"],
                "networks": ["default", "mesh"],
                "labels": {"tidegate.routing.port_80": f"http://{HOST}"},
            },
            "db": {**rest, "command": [*command, "database", "80", "0"], "networks": ["mesh"]},
        },
    }


async def test_an_overlay_is_made_attachable_joins_containers_and_goes_with_its_stack(box, tmp_path, say):
    stack, file = box.prefix, tmp_path / "compose.yaml"
    file.write_text(json.dumps(compose(stack)))
    async with in_a_swarm(box), running(tmp_path, docker=box.url) as tidegate:
        try:
            say((await tidegate.cli("up", "-f", str(file))).err.replace("\n", " / "))
            (network,) = json.loads(await box.docker("network", "inspect", f"{stack}_mesh"))
            assert (network["Driver"], network["Scope"], network["Attachable"]) == ("overlay", "swarm", True)
            names = {each["Name"] for each in network["Containers"].values()} - {f"{stack}_mesh-endpoint"}
            assert names == {f"{stack}-web-1", f"{stack}-db-1"}
            assert (await box.execute(f"{stack}-web-1", PYTHON_PATH, "-S", "-c", ASK)) == "database"
            # From the host an overlay's addresses lead to whoever else answers there, if anybody does.
            (endpoint,) = (await tidegate.api("/v1/endpoints"))["endpoints"]
            (bridge,) = json.loads(await box.docker("network", "inspect", f"{stack}_default"))
            (place,) = bridge["Containers"].values()
            assert endpoint["address"]["host"] == place["IPv4Address"].partition("/")[0]
            assert (await tidegate.answers(HOST)).startswith(b"web")
        finally:
            await tidegate.cli("down", stack)
        left = (await box.docker("network", "ls", "--format", "{{.Name}}", "--filter", f"name={stack}")).split()
        assert left == []
