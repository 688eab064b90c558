from __future__ import annotations

import json

from tests.support.client import get
from tests.support.origin import serving
from tests.support.router import quick, running, until


async def test_the_access_log_has_a_json_line_for_every_exchange(tmp_path):
    path = tmp_path / "access.log"
    async with serving() as origin, running(origin, config=quick(access_log=str(path))) as mesh:
        client = await mesh.client()
        agent = b'User-Agent: "quoted" \\ back\x80\tslash\r\nReferer: http://x/"\r\n'
        await client.ask(get('/a?b="c"', extra=agent))
        await client.ask(get("/", host="none.test"))
        await client.send(b"garbage\r\n\r\n")
        await client.rest()
        mesh.router.stop()
        await until(mesh.done.is_set)
    good, lost, refused = [json.loads(line) for line in path.read_text().splitlines()]
    assert (good["status"], good["method"], good["host"], good["target"]) == (200, "GET", "a.test", '/a?b="c"')
    assert (good["agent"], good["referer"]) == ('"quoted" \\ back\x80\tslash', 'http://x/"')
    assert (good["service"], good["sent"], good["received"], good["tries"]) == ("web", 2, 0, 1)
    assert good["duration_us"] >= good["first_byte_us"] >= 0
    assert (good["client"], good["route"]) == ("127.0.0.1", "a.test/")
    assert (lost["status"], lost["reason"], "route" in lost) == (404, "no-route", False)
    assert (refused["status"], refused["reason"]) == (400, "bad-request")
