import pytest

from tidegate.engine.docker_copy import anonymous_volumes, copy
from tidegate.engine.port import Duplicate

ID = "0123456789ab" + "c" * 52
CHANGE = Duplicate(name="web-v2", image="web:2")


def seen(config=None, host=None, networks=None, mounts=(), **more):
    """An inspected container called `web`."""
    return {
        "Id": ID,
        "Name": "/web",
        "Config": {"Image": "web:1", "Hostname": ID[:12]} | (config or {}),
        "HostConfig": {"NetworkMode": "default"} | (host or {}),
        "NetworkSettings": {"Networks": networks or {}},
        "Mounts": list(mounts),
    } | more


def end(network, **more):
    return {"NetworkID": network, "IPAddress": "10.0.0.2", "MacAddress": "02:42:00:00:00:02"} | more


def test_the_plainest_container_gives_the_plainest_call():
    made = copy(seen(networks={"bridge": end("n-b")}), {}, CHANGE)
    assert made.networks == {}
    assert made.body == {
        "Image": "web:2",
        "Env": [],
        "Labels": {},
        "ExposedPorts": {},
        "Volumes": {},
        "HostConfig": {"NetworkMode": "default", "AutoRemove": False},
    }


def test_the_hosts_side_goes_over_as_it_is():
    host = {
        "Memory": 64 << 20,
        "CapAdd": ["NET_ADMIN"],
        "Ulimits": [{"Name": "nofile", "Hard": 9, "Soft": 9}],
        "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "Something": {"that": ["no version", "of today knows"]},
    }
    made = copy(seen(host=host), {}, CHANGE)
    assert host.items() <= made.body["HostConfig"].items()


def test_a_file_for_the_id_is_not_written_again_and_the_end_is_kept_for_judging():
    host = copy(seen(host={"ContainerIDFile": "/tmp/x", "AutoRemove": True}), {}, CHANGE).body["HostConfig"]
    assert "ContainerIDFile" not in host
    assert host["AutoRemove"] is False


def test_the_beginning_of_the_id_is_no_host_name():
    assert "Hostname" not in copy(seen(), {}, CHANGE).body
    assert copy(seen({"Hostname": "box"}), {}, CHANGE).body["Hostname"] == "box"


@pytest.mark.parametrize("host", [{"NetworkMode": "host"}, {"NetworkMode": f"container:{ID}"}, {"UTSMode": "host"}])
def test_who_shares_a_host_name_is_given_none(host):
    assert "Hostname" not in copy(seen({"Hostname": "box"}, host), {}, CHANGE).body


def test_variables_are_set_and_taken_away():
    change = Duplicate(name="b", image="web:2", environment={"MODE": "new", "DEBUG": None, "LANG": None, "MORE": "a=b"})
    made = copy(seen({"Env": ["MODE=old", "DEBUG=1", "KEPT=1", "LANG=C"]}), {"Env": ["LANG=C"]}, change)
    assert made.body["Env"] == ["KEPT=1", "MODE=new", "DEBUG", "LANG", "MORE=a=b"]


def test_a_new_command_leaves_the_entrypoint():
    change = Duplicate(name="b", image="web:2", command=("serve", "--new"))
    body = copy(seen({"Entrypoint": ["/mine"], "Cmd": ["serve"]}), {}, change).body
    assert (body["Entrypoint"], body["Cmd"]) == (["/mine"], ["serve", "--new"])


@pytest.mark.parametrize(("entrypoint", "asked"), [(("/mine",), ["/mine"]), ((), [""])])
def test_an_entrypoint_comes_back_though_it_is_the_images_of_the_container_that_is_copied(entrypoint, asked):
    change = Duplicate(name="b", image="web:1", entrypoint=entrypoint, command=("serve",))
    image = {"Entrypoint": ["/mine"], "Cmd": ["serve"]}
    body = copy(seen(dict(image)), image, change).body
    assert (body["Entrypoint"], body["Cmd"]) == (asked, ["serve"])


def test_labels_are_set_over_its_own():
    labels = {"tidegate.version": "v1", "tidegate.port": "80", "old": "1"}
    change = Duplicate(name="b", image="web:2", labels={"tidegate.version": "v2", "x": "y", "old": None})
    made = copy(seen({"Labels": labels}), {}, change)
    assert made.body["Labels"] == {"tidegate.version": "v2", "tidegate.port": "80", "x": "y"}


def test_compose_sees_its_own_container_with_a_number_of_its_own():
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.config-hash": "aa",
        "com.docker.compose.image": "sha256:bb",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.replace": "the-one-before",
    }
    made = copy(seen({"Labels": labels}), {}, CHANGE, number=4).body["Labels"]
    del labels["com.docker.compose.replace"]
    assert made == labels | {"com.docker.compose.container-number": "4"}


def test_a_link_is_asked_for_as_it_was_once():
    made = copy(seen(host={"Links": ["/db:/web/database", "/cache:/web/cache"]}), {}, CHANGE)
    assert made.body["HostConfig"]["Links"] == ["db:database", "cache:cache"]


def test_the_first_network_is_said_at_birth_and_the_others_after():
    networks = {
        "front": end(
            "n-front", Aliases=["web", ID[:12], "api"], Links=["db:db"], IPAMConfig={"IPv4Address": "10.0.0.2"}
        ),
        "back": end("n-back", Aliases=["api", "web"], DriverOpts={"a": "b"}, GwPriority=3),
        "third": end("n-third", Aliases=None),
    }
    made = copy(seen(host={"NetworkMode": "front"}, networks=networks), {}, CHANGE)
    assert made.body["HostConfig"]["NetworkMode"] == "front"
    assert made.body["NetworkingConfig"] == {"EndpointsConfig": {"front": {"Links": ["db:db"], "Aliases": ["api"]}}}
    assert made.networks == {
        "n-back": {"DriverOpts": {"a": "b"}, "GwPriority": 3, "Aliases": ["api"]},
        "n-third": {},
    }


def test_a_first_network_called_by_its_id_is_called_so_again():
    networks = {"front": end("n-front", Aliases=["api"])}
    made = copy(seen(host={"NetworkMode": "n-front"}, networks=networks), {}, CHANGE)
    assert made.body["NetworkingConfig"] == {"EndpointsConfig": {"n-front": {"Aliases": ["api"]}}}


def test_who_was_taken_off_its_first_network_is_born_on_another():
    networks = {"zwei": end("n-2"), "drei": end("n-3")}
    made = copy(seen(host={"NetworkMode": "front"}, networks=networks), {}, CHANGE)
    assert made.body["HostConfig"]["NetworkMode"] == "drei"
    assert made.networks == {"n-2": {}}


def test_who_is_on_no_network_any_more_is_born_on_none():
    assert copy(seen(host={"NetworkMode": "front"}), {}, CHANGE).body["HostConfig"]["NetworkMode"] == "none"


def test_the_engines_own_bridge_knows_no_names():
    networks = {"bridge": end("n-b", Aliases=["api"]), "front": end("n-front", Aliases=["api"])}
    made = copy(seen(networks=networks), {}, CHANGE)
    assert "NetworkingConfig" not in made.body
    assert made.networks == {"n-front": {"Aliases": ["api"]}}


@pytest.mark.parametrize("mode", ["host", "none", f"container:{ID}"])
def test_who_has_no_network_gets_none(mode):
    made = copy(seen(host={"NetworkMode": mode}, networks={mode: end("n")}), {}, CHANGE)
    assert made.body["HostConfig"]["NetworkMode"] == mode
    assert ("NetworkingConfig" in made.body, made.networks) == (False, {})


def volume(target, name="f00", **more):
    return {"Type": "volume", "Name": name, "Destination": target, "RW": True} | more


def with_volumes():
    return seen(
        {"Volumes": {"/data": {}, "/cache": {}, "/named": {}}},
        {
            "Binds": ["db:/named", "/host:/bound:ro"],
            "Mounts": [{"Type": "volume", "Target": "/mount"}, {"Type": "volume", "Source": "x", "Target": "/sourced"}],
        },
        mounts=[
            volume("/data", "aaa"),
            volume("/cache", "bbb", RW=False),
            volume("/mount", "ccc"),
            volume("/named", "db"),
            volume("/sourced", "x"),
            volume("/of-another", "ddd"),
            {"Type": "bind", "Source": "/host", "Destination": "/bound", "RW": False},
        ],
    )


def test_a_volume_is_anonymous_where_its_place_was_declared_and_nobody_named_it():
    assert {target: mount["Name"] for target, mount in anonymous_volumes(with_volumes()).items()} == {
        "/data": "aaa",
        "/cache": "bbb",
        "/mount": "ccc",
    }


def test_beside_the_original_a_duplicate_has_new_anonymous_volumes():
    body = copy(with_volumes(), {"Volumes": {"/data": {}}}, CHANGE).body
    assert body["Volumes"] == {"/cache": {}, "/named": {}}
    assert body["HostConfig"]["Binds"] == ["db:/named", "/host:/bound:ro"]
    assert body["HostConfig"]["Mounts"][0] == {"Type": "volume", "Target": "/mount"}


def test_in_place_of_the_original_a_duplicate_has_its_anonymous_volumes():
    original = with_volumes()
    body = copy(original, {}, Duplicate(name="b", image="web:2", stop_first=True)).body
    assert body["Volumes"] == {"/named": {}}
    assert body["HostConfig"]["Binds"] == ["db:/named", "/host:/bound:ro", "aaa:/data", "bbb:/cache:ro"]
    assert body["HostConfig"]["Mounts"][0] == {"Type": "volume", "Target": "/mount", "Source": "ccc"}
    assert original["HostConfig"]["Mounts"][0] == {"Type": "volume", "Target": "/mount"}
