import pytest

from tests.support.compose import codes, compose, faults, spec
from tidegate.engine.spec import Mount, MountKind, VolumeSpec

TOP = "volumes: {data: {}, shared: {external: true, name: everybodys}}"


def bind(source, target, **more):
    return Mount(kind=MountKind.BIND, source=source, target=target, **more)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("./data:/d", bind("/srv/shop/data", "/d")),
        ("../data:/d:ro", bind("/srv/data", "/d", read_only=True)),
        ("~/data:/d", bind("/home/a/data", "/d")),
        ("/abs:/d:rw,z,rslave", bind("/abs", "/d", options=("z", "rslave"))),
        ("data:/d", Mount(source="shop_data", target="/d")),
        ("data:/d:ro,nocopy", Mount(source="shop_data", target="/d", read_only=True, nocopy=True)),
        ("shared:/d", Mount(source="everybodys", target="/d")),
        ("/anonymous", Mount(target="/anonymous")),
        ("{type: volume, source: data, target: /d}", Mount(source="shop_data", target="/d")),
        ("{source: data, target: /d, volume: {nocopy: true}}", Mount(source="shop_data", target="/d", nocopy=True)),
        ("{type: volume, target: /d, read_only: true}", Mount(target="/d", read_only=True)),
        (
            "{type: bind, source: ./data, target: /d, bind: {create_host_path: false, propagation: rslave, selinux: z}}",
            bind("/srv/shop/data", "/d", create_source=False, options=("rslave", "z")),
        ),
        ("{type: tmpfs, target: /d}", Mount(kind=MountKind.TMPFS, target="/d")),
        (
            "{type: tmpfs, target: /d, tmpfs: {size: 64m, mode: 0o700}}",
            Mount(kind=MountKind.TMPFS, target="/d", size_bytes=64 << 20, mode=0o700),
        ),
    ],
)
def test_volumes_are_read_in_every_form(text, mount):
    assert spec(f"volumes:\n  - {text}", TOP, variables={"HOME": "/home/a"}).mounts == (mount,)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("relative", "T1132"),
        ("data:d", "T1132"),
        ("5", "T1132"),
        ("{type: volume, target: d}", "T1132"),
        ("{type: npipe, target: /d}", "T1131"),
        ("{type: image, source: x, target: /d}", "T1131"),
        ("{type: volume, target: /d, volume: {subpath: x}}", "T1131"),
        ("data:/d:sideways", "T1131"),
        ("lost:/d", "T1171"),
    ],
)
def test_what_cannot_be_mounted_is_told(text, code):
    assert faults(f"volumes:\n  - {text}", TOP) == [(code, 2)]


def test_volumes_of_the_file_have_drivers_options_labels_and_names():
    file = compose("""
        services: {web: {image: x, volumes: ["a:/a", "b:/b", "c:/c", "d:/d"]}}
        volumes:
          a: {driver: local, driver_opts: {type: nfs, o: "addr=10.0.0.1", device: ":/export"}, labels: [team=a]}
          b: {name: "real-${TAG}"}
          c: {external: true}
          d: {external: {name: other}}
          unused: {}
        """)
    assert file.problems == ()
    a, b, c, d = file.volumes
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.volume": "a"}
    options = {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/export"}
    assert a.spec == VolumeSpec(name="shop_a", driver="local", options=options, labels={"team": "a"} | labels)
    assert (b.name, b.external) == ("real-2", False)
    assert [(each.name, each.external) for each in (c, d)] == [("c", True), ("other", True)]


def test_in_version_1_a_volume_has_one_name_on_every_node():
    file = compose("web: {image: x, volumes: ['data:/d']}")
    assert file.problems == ()
    assert [volume.name for volume in file.volumes] == ["data"]


def test_unknown_settings_of_a_volume_are_named():
    file = compose("services: {web: {image: x, volumes: ['a:/a']}}\nvolumes: {a: {size: 5g}}\n")
    assert codes(file) == [("T1131", "compose.yaml:2", "warning")]


def test_permissions_of_a_tmpfs_are_octal_in_every_form():
    for mode in ("0o700", "0700", "'0700'"):
        (mount,) = spec(f"volumes: [{{type: tmpfs, target: /run, tmpfs: {{mode: {mode}}}}}]").mounts
        assert mount.mode == 0o700


def test_a_bind_mount_of_nothing_is_an_error():
    assert faults("volumes:\n  - type: bind\n    target: /data") == [("T1132", 2)]
