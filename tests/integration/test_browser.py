"""A page in headless Chromium, served, fed and answered through Tidegate."""

from __future__ import annotations

import pytest

from tests.support.browser import page
from tests.support.servers import SERVERS

TOLD = {
    "download": True,
    "stream": True,
    "upload": "POST",
    "upload_with_progress": 3_000_000,
    "form": True,
    "many": 60,
    "refused": 413,
    "cookies": ["c0=0", "c1=1", "c2=2", "c3=3"],
    "aborted": True,
    "events": [["0", "event 0"], ["1", "event 1"], ["2", "event 2"]],
    "websocket": ["hello κόσμε", True, "b", 4001, "as asked", True],
    "websocket_refused": 1006,
}
WITH_SOCKETS = [server for server in SERVERS if server.websocket]


@pytest.mark.parametrize("server", WITH_SOCKETS, ids=lambda server: server.name)
async def test_a_browser_gets_all_it_asks_for(lab, server, tmp_path):
    url = f"http://{server.host}:{lab.where[1]}/page"
    async with page(url, tmp_path, resolve=f"MAP *.test {lab.where[0]}") as shown:
        assert await shown.evaluate("window.outcome") == TOLD, shown.failures
