import json
import os

import pytest

from tests.support.containers import LABEL, Containers
from tests.support.images import BUSYBOX, ensure_busybox
from tidegate.control.engines import Engines
from tidegate.control.origins import Origins
from tidegate.engine.docker import DockerEngine
from tidegate.engine.port import Duplicate
from tidegate.errors import EngineError, NoSuchThing, TidegateError
from tidegate.model import InstanceState
from tidegate.tasks import Tasks

pytestmark = pytest.mark.system

DEADLINE = 30.0
FIRST, SECOND = f"tidegate-test/first:v{os.getpid()}", f"tidegate-test/second:v{os.getpid()}"
MARK = {"io.tidegate.release": "web#1"}
LOOP = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")


class Bench(Containers):
    """Containers on a real engine, and the engine under test."""

    def __init__(self, url):
        super().__init__(url)
        self.engine = DockerEngine(url)

    async def image(self, tag, *changes, options=()):
        """An image with the file system of busybox and defaults of its own; `options` for what no change can say."""
        container = await self.docker("create", *options, BUSYBOX, "true")
        await self.docker("commit", *(f"--change={change}" for change in changes), container, tag)
        await self.docker("rm", container)

    async def create(self, short, *options, image=BUSYBOX, command=LOOP):
        mark = f"--label={LABEL}={self.prefix}"
        await self.docker("create", "--name", self.name(short), mark, *options, image, *command)
        return self.name(short)

    async def duplicate(self, original, short="copy", **change):
        """What the engine says of the copy."""
        change = {"labels": MARK} | change
        made = await self.engine.duplicate(original, Duplicate(name=self.name(short), **change))
        return await self.inspect(made)

    async def refused(self, original, short="copy", **change):
        with pytest.raises(TidegateError) as caught:
            await self.duplicate(original, short, **change)
        assert not await self.docker("ps", "-aq", "--filter", f"name={self.name(short)}")
        return caught.value.problems


@pytest.fixture
async def bench(docker_engine_url):
    made = Bench(docker_engine_url)
    await ensure_busybox(made.engine)
    try:
        yield made
    finally:
        await made.remove_all()
        await made.engine.close()


@pytest.fixture
async def images(bench):
    await bench.image(
        FIRST,
        "ENV PATH=/bin:/first MODE=image ONLY_FIRST=1 SHARED=same",
        'LABEL tidegate.port="80" only.first="1"',
        "EXPOSE 80 81",
        "VOLUME /data",
        "USER 1",
        "WORKDIR /www",
        'ENTRYPOINT ["/bin/first"]',
        'CMD ["--first"]',
        "HEALTHCHECK --interval=7s --retries=4 CMD first",
        options=("--stop-signal=SIGQUIT",),
    )
    await bench.image(
        SECOND,
        "ENV PATH=/bin:/second MODE=image2 SHARED=same",
        'LABEL tidegate.port="90"',
        "EXPOSE 90",
        "VOLUME /second",
        "USER 2",
        "WORKDIR /tmp",
        'ENTRYPOINT ["/bin/second"]',
        'CMD ["--second"]',
        "HEALTHCHECK --interval=9s --timeout=3s CMD second",
        options=("--stop-signal=SIGUSR1",),
    )
    yield
    for image in (FIRST, SECOND):
        await bench.docker("image", "rm", "-f", image, check=False)


# Everything that a container can be told on the command line and that goes over unchanged.
OPTIONS = (
    "--env=TOKEN=t0k3n=x",
    "--env=EMPTY=",
    "--label=tidegate.host=a.test",
    "--user=1000:1000",
    "--workdir=/tmp",
    "--hostname=box",
    "--domainname=lan",
    "--entrypoint=/bin/busybox",
    "--health-cmd=test -e /ok",
    "--health-interval=3s",
    "--health-timeout=2s",
    "--health-retries=5",
    "--health-start-period=1s",
    "--stop-signal=SIGUSR2",
    "--stop-timeout=7",
    "--tty",
    "--interactive",
    "--cap-add=NET_ADMIN",
    "--cap-drop=CHOWN",
    "--ulimit=nofile=1024:2048",
    "--sysctl=net.ipv4.ip_unprivileged_port_start=0",
    "--memory=64m",
    "--memory-reservation=32m",
    "--memory-swap=128m",
    "--cpu-shares=512",
    "--cpus=0.5",
    "--cpuset-cpus=0",
    "--pids-limit=50",
    "--blkio-weight=300",
    "--oom-score-adj=200",
    "--shm-size=8m",
    "--log-driver=json-file",
    "--log-opt=max-size=1m",
    "--log-opt=max-file=3",
    "--restart=on-failure:3",
    "--dns=10.0.0.1",
    "--dns-search=lan",
    "--dns-option=ndots:2",
    "--add-host=other:10.0.0.2",
    "--tmpfs=/scratch:size=1m",
    "--volume=tidegate-named:/named",
    "--volume=/etc/hostname:/bound:ro",
    "--volume=/nameless",
    "--mount=type=bind,source=/etc,target=/mounted,readonly,bind-propagation=rslave",
    "--mount=type=volume,source=tidegate-named,target=/mounted-volume,volume-nocopy",
    "--mount=type=tmpfs,target=/mounted-tmpfs,tmpfs-size=1048576",
    "--read-only",
    "--init",
    "--ipc=private",
    "--pid=host",
    "--uts=",
    "--cgroupns=private",
    "--security-opt=no-new-privileges",
    "--security-opt=seccomp=unconfined",
    "--group-add=audio",
    "--device=/dev/null:/dev/nothing:r",
    "--device-cgroup-rule=c 1:3 r",
    "--publish=127.0.0.1::80",
    "--publish=8000-8010:81/udp",
    "--expose=82",
    "--publish-all",
)


def settings(inspected):
    """Its `Config`, but for which outputs the client that made it meant to watch."""
    return {key: value for key, value in inspected["Config"].items() if not key.startswith("Attach")}


async def test_everything_a_container_was_told_goes_over(bench):
    original = await bench.inspect(await bench.create("all", *OPTIONS))
    copy = await bench.duplicate(original["Id"])
    before, after = settings(original), settings(copy)
    assert after.pop("Labels") == before.pop("Labels") | MARK
    assert after == before
    assert copy["HostConfig"] == original["HostConfig"]
    assert copy["State"]["Status"] == "created"


async def test_privileges_go_over(bench):
    original = await bench.inspect(await bench.create("root", "--privileged", "--network=none", "--uts=host"))
    copy = await bench.duplicate(original["Id"])
    assert copy["HostConfig"] == original["HostConfig"]


async def test_a_copy_runs(bench):
    original = await bench.create("running", "--memory=32m", "--env=A=b", "--health-cmd=true")
    await bench.docker("start", original)
    copy = await bench.duplicate(original)
    await bench.engine.start(copy["Id"])
    assert (await bench.engine.inspect(copy["Id"])).state is InstanceState.RUNNING
    assert await bench.execute(bench.name("copy"), "sh", "-c", "echo $A; hostname") == f"b\n{copy['Id'][:12]}"


async def test_a_new_image_brings_its_own_defaults(bench, images):
    original = await bench.create("plain", image=FIRST, command=())
    copy = settings(await bench.duplicate(original, image=SECOND))
    expected = settings(await bench.inspect(await bench.create("like", image=SECOND, command=())))
    assert copy.pop("Labels") == expected.pop("Labels") | MARK
    for config in (copy, expected):
        del config["Hostname"]
        config["Env"].sort()
    assert copy == expected


async def test_what_was_set_for_the_container_stands_over_the_new_images_defaults(bench, images):
    options = (
        *("--env=MODE=own", "--label=tidegate.port=8080", "--user=9", "--workdir=/etc", "--stop-signal=SIGINT"),
        *("--health-interval=3s", "--expose=99", "--volume=/own"),
    )
    original = await bench.create("own", *options, image=FIRST, command=("--own",))
    copy = (await bench.duplicate(original, image=SECOND))["Config"]
    assert sorted(copy["Env"]) == ["MODE=own", "PATH=/bin:/second", "SHARED=same"]
    assert copy["Labels"]["tidegate.port"] == "8080"
    assert "only.first" not in copy["Labels"]
    assert (copy["User"], copy["WorkingDir"], copy["StopSignal"]) == ("9", "/etc", "SIGINT")
    assert (copy["Entrypoint"], copy["Cmd"]) == (["/bin/second"], ["--own"])
    assert set(copy["ExposedPorts"]) == {"90/tcp", "99/tcp"}
    assert set(copy["Volumes"]) == {"/second", "/own"}
    check = copy["Healthcheck"]
    assert check["Test"] == ["CMD-SHELL", "second"]
    assert (check["Interval"], check["Timeout"]) == (3_000_000_000, 3_000_000_000)


async def test_an_entrypoint_taken_away_stays_away(bench, images):
    original = await bench.create("bare", "--entrypoint=", image=FIRST, command=("sh",))
    copy = (await bench.duplicate(original, image=SECOND))["Config"]
    assert (copy["Entrypoint"], copy["Cmd"]) == (None, ["sh"])


async def test_what_is_changed_is_changed(bench, images):
    original = await bench.create("changed", "--env=MODE=own", "--env=OLD=1", "--label=old=1", image=FIRST)
    change = Duplicate(
        name=bench.name("copy"),
        image=SECOND,
        labels=MARK | {"tidegate.version": "v2", "old": None},
        environment={"MODE": "new", "OLD": None, "SHARED": None},
        command=("--new",),
    )
    copy = await bench.inspect(await bench.engine.duplicate(original, change))
    assert copy["Name"] == f"/{bench.name('copy')}"
    assert copy["Config"]["Cmd"] == ["--new"]
    assert copy["Config"]["Labels"]["tidegate.version"] == "v2"
    assert "old" not in copy["Config"]["Labels"]
    assert sorted(copy["Config"]["Env"]) == ["MODE=new", "OLD", "PATH=/bin:/second", "SHARED"]


async def test_a_variable_of_the_image_that_is_taken_away_is_not_there(bench):
    original = await bench.create("env", "--env=KEPT=1", command=("/bin/sleep", "60"))
    copy = await bench.duplicate(original, environment={"PATH": None})
    await bench.engine.start(copy["Id"])
    environment = await bench.execute(bench.name("copy"), "/bin/cat", "/proc/1/environ")
    assert "KEPT=1" in environment
    assert "PATH=" not in environment


async def test_every_network_goes_over_with_the_names_on_it_but_not_its_own(bench):
    front, back = await bench.network("front", "--subnet=10.209.1.0/24"), await bench.network("back")
    original = await bench.create("netted", f"--network={front}", "--network-alias=api", "--ip=10.209.1.77")
    await bench.docker("network", "connect", "--alias=shop", back, original)
    await bench.docker("network", "connect", "bridge", original)
    await bench.docker("start", original)
    copy = await bench.duplicate(original)
    await bench.engine.start(copy["Id"])
    networks = (await bench.inspect(copy["Id"]))["NetworkSettings"]["Networks"]
    assert set(networks) == {front, back, "bridge"}
    assert set(networks[front]["Aliases"]) - {copy["Id"][:12]} == {"api"}
    assert set(networks[back]["Aliases"]) - {copy["Id"][:12]} == {"shop"}
    assert networks[front]["IPAddress"] != "10.209.1.77"


async def test_a_network_said_by_its_id_goes_over(bench):
    front = await bench.network("front")
    (known,) = json.loads(await bench.docker("network", "inspect", front))
    original = await bench.create("by-id", f"--network={known['Id']}", "--network-alias=api")
    copy = await bench.duplicate(original)
    assert "api" in copy["NetworkSettings"]["Networks"][front]["Aliases"]


async def test_links_go_over(bench):
    await bench.docker("start", await bench.create("db"))
    original = await bench.create("linked", f"--link={bench.name('db')}:database")
    copy = await bench.duplicate(original)
    assert copy["HostConfig"]["Links"] == [f"/{bench.name('db')}:/{bench.name('copy')}/database"]
    front = await bench.network("front")
    await bench.docker("network", "connect", front, bench.name("db"))
    netted = await bench.create("linked2", f"--network={front}", f"--link={bench.name('db')}:database")
    copy = await bench.duplicate(netted, "copy2")
    assert copy["NetworkSettings"]["Networks"][front]["Links"] == [f"{bench.name('db')}:database"]


async def test_volumes_of_another_container_go_over(bench):
    await bench.create("data", "--volume=/data")
    original = await bench.create("user", f"--volumes-from={bench.name('data')}:ro")
    copy = await bench.duplicate(original)
    assert copy["HostConfig"]["VolumesFrom"] == [f"{bench.name('data')}:ro"]


async def test_beside_the_original_an_anonymous_volume_is_a_new_one(bench):
    original = await bench.inspect(await bench.create("vol", "--volume=/data"))
    copy = await bench.duplicate(original["Id"])
    assert copy["Mounts"][0]["Destination"] == "/data"
    assert copy["Mounts"][0]["Name"] != original["Mounts"][0]["Name"]


async def test_in_place_of_the_original_its_anonymous_volume_goes_over_and_outlives_it(bench):
    original = await bench.create("vol", "--volume=/data")
    await bench.docker("start", original)
    await bench.execute(original, "sh", "-c", "echo kept > /data/file")
    copy = await bench.duplicate(original, stop_first=True)
    await bench.engine.stop(original)
    await bench.engine.remove(original)
    await bench.engine.start(copy["Id"])
    assert await bench.execute(bench.name("copy"), "cat", "/data/file") == "kept"
    await bench.engine.remove(copy["Id"], force=True)
    await bench.docker("volume", "rm", copy["Mounts"][0]["Name"])


async def test_a_fixed_host_port_is_refused_beside_the_original_and_taken_over_in_its_place(bench):
    original = await bench.create("port", "--publish=127.0.0.1:18080:80", "--publish=81", "--restart=always")
    await bench.docker("start", original)
    (problem,) = await bench.refused(original)
    assert problem.code == "T1152"
    assert "127.0.0.1:18080/tcp" in problem.text
    copy = await bench.duplicate(original, stop_first=True)
    await bench.engine.stop(original)
    await bench.engine.start(copy["Id"])
    assert (await bench.engine.inspect(copy["Id"])).published[0].host_port == 18080


@pytest.mark.parametrize("mode", ["host", "container"])
async def test_a_shared_stack_is_refused_beside_the_original_and_taken_over_in_its_place(bench, mode):
    other = await bench.create("other")
    await bench.docker("start", other)
    original = await bench.create("shared", f"--network={mode if mode == 'host' else f'container:{other}'}")
    (problem,) = await bench.refused(original)
    assert problem.code == "T1153"
    copy = await bench.duplicate(original, stop_first=True)
    await bench.engine.start(copy["Id"])
    assert (await bench.engine.inspect(copy["Id"])).state is InstanceState.RUNNING


async def test_made_twice_it_is_one(bench):
    original = await bench.create("twice")
    first, second = await bench.duplicate(original), await bench.duplicate(original)
    assert first["Id"] == second["Id"]


async def test_made_many_times_at_once_it_is_one(bench):
    original = await bench.create("at-once")
    change = Duplicate(name=bench.name("copy"), labels=MARK)
    async with Tasks("test") as tasks:
        made = [tasks.spawn(f"{n}", bench.engine.duplicate(original, change)) for n in range(5)]
    assert len({task.result() for task in made}) == 1


async def test_two_who_make_it_at_once_take_the_same(bench, docker_engine_url):
    original = await bench.create("two")
    others = [DockerEngine(docker_engine_url) for _ in range(4)]
    for number in range(10):
        change = Duplicate(name=bench.name(f"copy{number}"), labels=MARK)
        async with Tasks("test") as tasks:
            made = [tasks.spawn(f"{n}", engine.duplicate(original, change)) for n, engine in enumerate(others)]
        assert len({task.result() for task in made}) == 1
    for engine in others:
        await engine.close()


async def test_a_label_of_the_image_cannot_be_taken_away_and_the_copy_is_still_found(bench, images):
    original = await bench.create("labelled")
    change = {"labels": MARK | {"only.first": None}, "image": FIRST}
    first, second = await bench.duplicate(original, **change), await bench.duplicate(original, **change)
    assert first["Config"]["Labels"]["only.first"] == "1"
    assert first["Id"] == second["Id"]


async def test_what_was_half_made_is_completed(bench):
    front, back = await bench.network("front"), await bench.network("back")
    original = await bench.create("half", f"--network={front}")
    await bench.docker("network", "connect", "--alias=shop", back, original)
    half = await bench.duplicate(original)
    await bench.docker("network", "disconnect", back, half["Id"])
    whole = await bench.duplicate(original)
    assert whole["Id"] == half["Id"]
    assert "shop" in whole["NetworkSettings"]["Networks"][back]["Aliases"]


async def test_a_name_that_is_somebody_elses_is_refused(bench):
    original = await bench.create("owner")
    await bench.create("copy", "--label=io.tidegate.release=web#0")
    with pytest.raises(EngineError) as caught:
        await bench.duplicate(original)
    assert caught.value.problems[0].code == "T1154"
    with pytest.raises(EngineError) as caught:
        await bench.duplicate(original, labels={})
    assert caught.value.problems[0].code == "T1154"


async def test_what_was_made_of_another_image_is_not_taken(bench, images):
    original = await bench.create("other-image")
    await bench.duplicate(original, image=FIRST)
    with pytest.raises(EngineError) as caught:
        await bench.duplicate(original, image=SECOND)
    assert caught.value.problems[0].code == "T1155"


async def test_an_image_that_is_not_there_is_refused(bench):
    original = await bench.create("lost")
    (problem,) = await bench.refused(original, image="tidegate-test/none:v1")
    assert problem.code == "T1150"


async def test_a_copy_is_of_the_very_image_that_is_said_whatever_its_tag_stands_for_now(bench, images):
    original = await bench.create("moved")
    wanted = (await bench.engine.image(FIRST)).id
    named = await bench.duplicate(original, image=FIRST, image_id=wanted)
    moved = await bench.duplicate(original, "again", image=SECOND, image_id=wanted)
    assert (named["Image"], named["Config"]["Image"]) == (wanted, FIRST)
    assert (moved["Image"], moved["Config"]["Image"]) == (wanted, wanted)
    (problem,) = await bench.refused(original, "third", image=SECOND, image_id="sha256:" + "0" * 64)
    assert problem.code == "T1155"


async def test_a_copy_of_a_copy_is_the_original_again_by_what_was_remembered_of_it(bench, images):
    """Also where a value of its own is the other image's default, so that the copy alone would not show it."""
    options = ("--env=MODE=image2", "--env=OWN=1", "--env=COLOUR=blue", "--label=tier=front")
    first = await bench.create("first", *options, image=FIRST, command=("--own",))
    origins = Origins(Engines({"docker": bench.engine}))
    origin = await origins.of([("docker", first)])
    changed = {
        "image": SECOND,
        "environment": {"COLOUR": "green", "NEW": "1"},
        "labels": MARK | {"tier": None, "new": "1"},
    }
    second = await bench.duplicate(first, "second", command=("--other",), **changed)
    change = await origins.undoing(origin, [("docker", second["Id"])])
    back = await bench.duplicate(
        second["Id"],
        "third",
        image=change.image,
        image_id=origin.images["docker"].id,
        environment=change.environment,
        labels=change.labels | dict.fromkeys(MARK),
        command=change.command,
        bare=change.bare,
    )
    before = await bench.inspect(first)
    assert back["Image"] == before["Image"]
    assert sorted(each for each in back["Config"]["Env"] if "=" in each) == sorted(before["Config"]["Env"])
    for said in ("Labels", "Cmd", "Entrypoint", "User", "WorkingDir"):
        assert back["Config"][said] == before["Config"][said]


async def test_a_copy_may_have_the_command_of_its_image_and_not_that_of_the_original(bench, images):
    original = await bench.create("told", image=FIRST, command=("--own",))
    assert (await bench.duplicate(original, image=FIRST, bare=True))["Config"]["Cmd"] == ["--first"]


async def test_the_same_image_stays_the_same_though_its_name_stands_for_another_now(bench):
    tag = f"tidegate-test/moving:v{os.getpid()}"
    await bench.image(tag, "ENV A=1")
    original = await bench.inspect(await bench.create("same", image=tag))
    await bench.image(tag, "ENV A=2")
    copy = await bench.duplicate(original["Id"])
    assert copy["Image"] == original["Image"]
    await bench.docker("image", "rm", "-f", tag)


async def test_an_original_that_is_not_there_is_no_such_thing(bench):
    with pytest.raises(NoSuchThing):
        await bench.duplicate("tidegate-test-nobody")


async def test_compose_finds_its_own_container_with_the_next_number(bench):
    def labels(project, number):
        pairs = {"project": project, "service": "web", "config-hash": "aa", "container-number": number}
        return [f"--label=com.docker.compose.{key}={text}" for key, text in pairs.items()]

    original = await bench.create("web-1", *labels(bench.prefix, 1))
    await bench.create("web-3", *labels(bench.prefix, 3))
    await bench.create("other", *labels(f"{bench.prefix}x", 9))
    first, second = await bench.duplicate(original), await bench.duplicate(original, "copy2")
    numbers = [copy["Config"]["Labels"]["com.docker.compose.container-number"] for copy in (first, second)]
    assert numbers == ["4", "5"]
    assert first["Config"]["Labels"]["com.docker.compose.config-hash"] == "aa"


async def test_a_rehearsal_tells_what_is_left_behind_and_changes_nothing(bench):
    front = await bench.network("front", "--subnet=10.209.2.0/24")
    options = (f"--network={front}", "--ip=10.209.2.9", "--network-alias=api", "--volume=/data", "--rm")
    original = await bench.create("rehearsed", *options)
    told = await bench.engine.rehearse(original, Duplicate(name=bench.name("copy"), labels=MARK))
    text = "\n".join(problem.text for problem in told)
    for word in ("10.209.2.9", "/data", "--rm", "api"):
        assert word in text
    assert await bench.docker("ps", "-aq", "--filter", f"name={bench.name('copy')}") == ""


async def test_a_rehearsal_refuses_what_the_duplicate_would(bench):
    original = await bench.create("rehearsed", "--publish=18081:80")
    with pytest.raises(EngineError) as caught:
        await bench.engine.rehearse(original, Duplicate(name=bench.name("copy"), labels=MARK))
    assert caught.value.problems[0].code == "T1152"


async def test_secrets_are_in_no_error_and_no_representation(bench):
    original = await bench.create("secret", "--env=TOKEN=hunter2", "--device=/dev/null:/dev/nothing")
    change = Duplicate(name="not a name!", labels=MARK, environment={"PASSWORD": "hunter3"})
    with pytest.raises(EngineError) as caught:
        await bench.engine.duplicate(original, change)
    told = f"{caught.value} {caught.value.problems!r} {change!r} {caught.value.__cause__!r}"
    assert "hunter" not in told
    assert "PASSWORD" in repr(change)


async def test_a_stop_that_is_to_last_changes_the_policy_that_would_undo_it(bench):
    always = await bench.create("always", "--restart=always")
    failing = await bench.create("failing", "--restart=on-failure:3")
    for name in (always, failing):
        await bench.engine.keep_stopped(name)
    policies = [(await bench.inspect(name))["HostConfig"]["RestartPolicy"] for name in (always, failing)]
    assert [policy["Name"] for policy in policies] == ["unless-stopped", "on-failure"]
    assert policies[1]["MaximumRetryCount"] == 3
