from __future__ import annotations

from tests.support.client import GET, Client, get
from tests.support.origin import refusing
from tests.support.router import endpoint, route, running, service
from tidegate.policy import Timeouts


async def test_a_container_that_takes_no_connection_is_a_504():
    with refusing() as nobody:
        nobody.listen(0)
        held = [await Client.connect(nobody.getsockname())]  # fills the queue of one
        black_hole = route(timeouts=Timeouts(connect=0.2, hold=0.3))
        async with running() as mesh:
            mesh.publish([black_hole], [service("web", endpoint(nobody.getsockname()))])
            client = await mesh.client()
            response = await client.ask(GET)
            assert (response.status, response.reason) == (504, "connect-timeout")
            assert (await client.ask(get(host="none.test"))).status == 404
        for one in held:
            one.close()
