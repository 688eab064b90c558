import socket

import aiohttp
import pytest

from tests.support.plane import running
from tidegate.config import AdminConfig, Config, StateConfig
from tidegate.control.server import AdminServer
from tidegate.errors import ConfigError
from tidegate.model import Address
from tidegate.tasks import Tasks


async def test_an_address_in_use_is_told_with_its_mend(tmp_path):
    async with running(tmp_path) as world:
        taken = world.plane.admin.addresses[0]
        server = AdminServer(world.plane.admin._parts, AdminConfig(listeners=(taken,)), None)
        with pytest.raises(ConfigError, match="T1617") as caught:
            await server.run()
        assert str(taken) in caught.value.problems[0].text


async def test_a_unix_socket_that_cannot_be_made_is_told(tmp_path):
    async with running(tmp_path) as world:
        (tmp_path / "file").write_text("")
        config = AdminConfig(listeners=(Address(host="127.0.0.1", port=0),))
        server = AdminServer(world.plane.admin._parts, config, tmp_path / "file" / "admin.sock")
        with pytest.raises(ConfigError, match="T1617"):
            await server.run()


async def test_a_socket_left_behind_is_replaced(tmp_path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "admin.sock"))
    stale.close()
    async with (
        running(tmp_path),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(tmp_path / "admin.sock"))) as http,
        http.get("http://localhost/healthz") as response,
    ):
        assert response.status == 200


async def test_a_socket_of_the_supervisor_is_served(tmp_path):
    async with running(tmp_path) as world:
        given = socket.create_server(("127.0.0.1", 0))
        config = Config(state=StateConfig(folder=str(tmp_path)))
        server = AdminServer(world.plane.admin._parts, config.admin, None, (given,))
        async with Tasks("test") as tasks:
            task = tasks.spawn("admin", server.run())
            async with world.http.get(f"http://127.0.0.1:{given.getsockname()[1]}/healthz") as response:
                assert response.status == 200
            task.cancel()


async def test_the_page_runs_no_script(tmp_path):
    async with running(tmp_path) as world, world.http.get(world.url) as response:
        assert response.headers["Content-Security-Policy"] == "default-src 'none'"
        assert "<script" not in await response.text()
