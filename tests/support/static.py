"""The real program in front of an origin of the test, by a static file: no engine is needed."""

from __future__ import annotations

import contextlib

from tests.support.origin import ok, saying, serving
from tests.support.serve import Tidegate, assert_clean

HOST = "web.example.test"
FILE = """\
services:
  web:
    endpoints: ["{}:{}"]
routes:
  - {{host: web.example.test, path: /, backends: {{web: 100}}}}
"""


@contextlib.asynccontextmanager
async def static(folder, *arguments, script=None, settings="", limit=None, **more):
    """A started Tidegate that serves `HOST` from `script` (default: says `one`); stopped at the end, with a clean log.

    `settings` is what its tidegate.yaml says, at `.settings`; `limit` its number of file descriptors.
    """
    async with serving(script or saying(ok(b"one\n"))) as origin:
        file, config = folder / "static.yaml", folder / "tidegate.yaml"
        file.write_text(FILE.format(*origin.address))
        config.write_text(settings)
        tidegate = Tidegate(folder, "--file", str(file), "--config", str(config), **more)
        tidegate.command += arguments
        if limit:
            tidegate.command = ["prlimit", f"--nofile={limit}:{limit}", *tidegate.command]
        tidegate.file, tidegate.settings, tidegate.origin = file, config, origin
        try:
            await tidegate.start()
            await tidegate.answers(HOST)
            yield tidegate
        finally:
            code = await tidegate.stop()
        assert code == 0, tidegate.log()[-3000:]
        assert_clean(tidegate)
