"""A stack from `tidegate up` to `tidegate down` without any engine: its services are local processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests.support.serve import running, until

HOST = "web.example.test"
# Shell: tells what it was given, then serves a folder at its own address. `$$` is a `$` that is not the file's.
WEB = 'echo "$$GREETING from $$HOSTNAME"; exec $$PYTHON -S -m http.server "$$PORT" --bind "$$ADDRESS"'


def compose(folder, greeting, **more):
    web = {
        "image": "any/web",
        "command": ["/bin/sh", "-c", WEB],
        "working_dir": str(folder),
        "environment": {"GREETING": greeting, "PYTHON": sys.executable},
        "expose": ["8000"],
        "labels": {
            "aliyun.routing.port_8000": f"http://{HOST}",
            "aliyun.scale": "2",
            "tidegate.probe.url": "http://container/page",
        },
        "depends_on": {"once": {"condition": "service_completed_successfully"}},
        "deploy": {"update_config": {"monitor": "200ms", "parallelism": 2}},
        "stop_grace_period": "1s",
        **more,
    }
    once = {"image": "any/once", "command": ["/bin/sh", "-c", "echo done once"]}
    return json.dumps({"name": "local", "services": {"web": web, "once": once}})


async def wrote(tidegate, text, *arguments):
    return await until(lambda: told(tidegate, text, *arguments), what=f"somebody wrote {text!r}")


async def told(tidegate, text, *arguments):
    out = (await tidegate.cli("logs", *arguments)).out
    return out if text in out else ""


async def test_a_stack_of_processes_comes_up_answers_scales_is_renewed_and_leaves_nothing(tmp_path):
    page, file = tmp_path / "served" / "page", tmp_path / "compose.yaml"
    page.parent.mkdir()
    page.write_text("hello")
    file.write_text(compose(page.parent, "hello", read_only=True, volumes=["/data:/d"]))
    async with running(tmp_path, "--processes", "yes") as tidegate:
        up = await tidegate.cli("up", "-f", str(file))
        assert "mounts (it sees the host's own files), read_only" in up.err, "what a process cannot have is named"
        assert "local-once-1: done, it ended well" in up.err
        assert await tidegate.answers(HOST, "/page") == b"hello"
        shown = await tidegate.api("/v1/stacks/local")
        assert [len(each["replicas"]) for each in shown["members"]] == [2, 1]
        await wrote(tidegate, "web-2 | hello from local-web-2", "web")
        assert "once-1 | done once" in (await tidegate.cli("logs", "local")).out
        addresses = {each["address"]["host"] for each in (await tidegate.api("/v1/endpoints"))["endpoints"]}
        assert len(addresses) == 2, "each has an address of its own"

        await tidegate.cli("scale", "web=3")
        assert len((await tidegate.api("/v1/endpoints"))["endpoints"]) == 3
        await tidegate.cli("scale", "web=1")

        file.write_text(compose(page.parent, "good day"))
        plan = await tidegate.cli("plan", "-f", str(file))
        assert "web is replaced, 2 at a time, the new one first" in plan.out
        assert "T1124" not in plan.err
        await tidegate.cli("up", "-f", str(file))
        await wrote(tidegate, "web-1-g2 | good day from local-web-1-g2", "web")
        assert await tidegate.answers(HOST, "/page") == b"hello"

        pids = processes(page.parent)
        assert len(pids) == 1
        await tidegate.cli("down", "local")
        assert (await tidegate.api("/v1/stacks"))["stacks"] == []
        assert processes(page.parent) == []
        assert (await tidegate.api("/v1/endpoints"))["endpoints"] == []


async def test_processes_are_there_again_after_control_was_killed_and_a_service_without_a_command_is_refused(tmp_path):
    page, file = tmp_path / "served" / "page", tmp_path / "compose.yaml"
    page.parent.mkdir()
    page.write_text("hello")
    file.write_text(compose(page.parent, "hello"))
    async with running(tmp_path, "--processes", "yes") as tidegate:
        await tidegate.cli("up", "-f", str(file))
        before = processes(page.parent)
        kill(tidegate.pids()["control"])
        await until(lambda: len(found := processes(page.parent)) == 2 and not set(found) & set(before))
        assert await tidegate.answers(HOST, "/page") == b"hello"
        file.write_text('{"name": "dumb", "services": {"web": {"image": "any/web"}}}')
        refused = await tidegate.cli("up", "-f", str(file), code=1)
        assert "T1121" in refused.err
        assert "web names no command" in refused.err


def processes(folder):
    """Processes whose working folder this is."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder and (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # it ended while we looked, or is not ours to look at
    return found


def kill(pid):
    os.kill(pid, signal.SIGKILL)
