"""What the embedded engine does beyond the common contract (test_engine_contract.py)."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.engine.port import ContainerSpec, Engine
from tidegate.engine.process import ProcessEngine
from tidegate.engine.spec import Attachment
from tidegate.errors import EngineError, EngineUnreachable

DEADLINE = 20.0
LOOP = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
async def engine(tmp_path):
    engine = ProcessEngine(tmp_path)
    yield engine
    await engine.close()


def shell(name, script=LOOP, **more):
    return ContainerSpec(name=name, image="none", command=("sh", "-c", script), **more)


async def run(engine, spec):
    container = await engine.create(spec)
    await engine.start(container)
    return container


async def output(engine, container):
    async with asyncio.timeout(DEADLINE):
        return [line.text async for line in engine.logs(container, follow=True)]


def gone(pid):
    """True once process `pid` has ended, within the deadline."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], DEADLINE)[0])
    finally:
        os.close(pidfd)


async def test_the_process_engine_is_an_engine(engine):
    as_engine: Engine = engine
    assert as_engine.name == "process"


async def test_each_process_has_an_address_of_its_own_and_is_told_it(engine):
    script = "echo $HOST $TIDEGATE_ADDRESS $PORT $EXTRA ${ADDRESS:-none}"
    first = await run(engine, shell("a", script, ports=(8001, 8002), environment={"EXTRA": "${ADDRESS}:${PORT}"}))
    second = await run(engine, shell("b", script, ports=(8001,)))
    for container in (first, second):
        words = (await output(engine, container))[0].split()
        address = words[0]
        assert address.startswith("127.77.")
        assert words[1:] == [address, "8001", *([f"{address}:8001"] if container == first else []), address]
    assert (await output(engine, first))[0] != (await output(engine, second))[0]


async def test_the_address_is_put_into_a_command_that_no_shell_reads(engine):
    spec = ContainerSpec(name="a", image="none", command=("echo", "${ADDRESS}", "${PORT:-80}", "$PORT"), ports=(8001,))
    container = await run(engine, spec)
    words = (await output(engine, container))[0].split()
    assert words[0].startswith("127.77.")
    assert words[1:] == ["8001", "$PORT"]


async def test_the_host_reaches_two_servers_on_one_port(engine, tmp_path):
    serve = (sys.executable, "-m", "http.server", "--bind", "${ADDRESS}", "${PORT}")
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "name").write_text(name)
        spec = ContainerSpec(name=name, image="none", command=serve, ports=(8001,), working_dir=name)
        container = await run(engine, spec)
        address = (await engine.inspect(container)).networks[0].ipv4
        assert await fetch(address, 8001, "/name") == name


async def fetch(address, port, path):
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                reader, writer = await asyncio.open_connection(address, port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)  # the server has not bound yet, and tells nobody when it has
                continue
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            return answer.partition(b"\r\n\r\n")[2].decode()


async def test_an_address_is_not_shared_with_another_engine(engine, tmp_path):
    other = ProcessEngine(tmp_path)
    try:
        mine = await run(engine, shell("a"))
        theirs = await run(other, shell("a"))
        assert (await engine.inspect(mine)).networks[0].ipv4 != (await other.inspect(theirs)).networks[0].ipv4
    finally:
        await other.close()


async def test_the_whole_group_dies_with_its_first_process(engine):
    container = await run(engine, shell("a", "sleep 1000 & echo $!; wait"))
    async for line in engine.logs(container, follow=True):
        grandchild = int(line.text)
        break
    await engine.stop(container)
    assert gone(grandchild)


async def test_close_leaves_no_process(tmp_path):
    engine = ProcessEngine(tmp_path)
    pids = []
    for name, script in (("polite", "echo $$; exec sleep 1000"), ("stubborn", "trap '' TERM; echo $$; sleep 1000")):
        container = await run(engine, shell(name, script, restart="always"))
        async for line in engine.logs(container, follow=True):
            pids.append(int(line.text))
            break
    await engine.close()
    assert all(gone(pid) for pid in pids)
    assert await engine.list() == ()


DRIVER = """
import asyncio, sys
from tidegate.engine.port import ContainerSpec
from tidegate.engine.process import ProcessEngine

async def main():
    engine = ProcessEngine(sys.argv[1])
    command = ("sh", "-c", "echo $$; exec sleep 1000")
    container = await engine.create(ContainerSpec(name="a", image="none", command=command))
    await engine.start(container)
    async for line in engine.logs(container, follow=True):
        print(line.text, flush=True)
        break
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_process_does_not_outlive_a_killed_tidegate(tmp_path):
    command = [sys.executable, "-c", DRIVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as driver:
        pid = int(driver.stdout.readline())
        driver.send_signal(signal.SIGKILL)
        driver.wait(DEADLINE)
    assert gone(pid)


async def test_a_spec_without_a_command_is_refused(engine):
    with pytest.raises(EngineError) as caught:
        await engine.create(ContainerSpec(name="a", image="nginx"))
    assert caught.value.problems[0].code == "T1121"


async def test_a_command_that_is_not_there_is_named(engine):
    container = await engine.create(ContainerSpec(name="a", image="none", command=("no-such-command", "x")))
    with pytest.raises(EngineError, match="no-such-command") as caught:
        await engine.start(container)
    assert caught.value.problems[0].code == "T1120"


@pytest.mark.parametrize("more", [{"working_dir": "/no/such/folder"}, {"user": "no-such-user"}])
async def test_a_place_or_user_that_is_not_there_is_an_error_not_a_crash(engine, more):
    container = await engine.create(shell("a", **more))
    with pytest.raises(EngineError) as caught:
        await engine.start(container)
    assert caught.value.problems[0].code == "T1120"


async def test_an_unknown_stop_signal_is_refused_at_birth(engine):
    with pytest.raises(EngineError, match="SIGNOPE"):
        await engine.create(shell("a", stop_signal="SIGNOPE"))


async def test_a_restart_that_cannot_start_tells_its_log_and_tries_again(engine, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nrm program\nexit 1\n")
    program.chmod(0o755)
    stream = engine.events(0)
    await anext(stream)
    container = await run(engine, ContainerSpec(name="a", image="none", command=("./program",), restart="always"))
    exits = []
    async with asyncio.timeout(DEADLINE):
        async for event in stream:
            if event.action == "die":
                exits.append(event.attributes["exitCode"])
                if len(exits) == 3:
                    break
    assert exits == ["1", "127", "127"]
    assert "T1120" in "".join([line.text async for line in engine.logs(container)])
    await stream.aclose()


async def test_a_reader_that_falls_behind_is_cut_off_and_told(engine):
    stream = engine.events(0)
    await anext(stream)
    for _ in range(1100):
        engine._events.emit("update", "x", {})
    with pytest.raises(EngineUnreachable, match="behind"):
        async for _ in stream:
            pass


async def test_exec_that_takes_too_long_is_killed(engine):
    container = await run(engine, shell("a"))
    script = f"echo $$ > {engine._folder}/pid; exec sleep 1000"
    with pytest.raises(EngineError):
        await engine.exec(container, ("sh", "-c", script), 0.5)
    assert gone(int((engine._folder / "pid").read_text()))


async def test_exec_runs_at_the_address_of_its_process(engine):
    container = await run(engine, shell("a"))
    result = await engine.exec(container, ("sh", "-c", "echo $HOST"), DEADLINE)
    assert result.output.strip() == (await engine.inspect(container)).networks[0].ipv4


async def test_an_id_may_be_shortened_while_it_fits_only_one(engine):
    container = await engine.create(shell("a"))
    assert (await engine.inspect(container[:12])).id == container


async def test_aliases_of_all_networks_are_kept(engine):
    container = await engine.create(
        shell("a", networks={"front": Attachment(aliases=("web",)), "back": Attachment(aliases=("web", "api"))})
    )
    assert (await engine.inspect(container)).networks[0].aliases == ("web", "api")
