import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.engine.spec import Attachment, ContainerSpec, Healthcheck, Limits, Logging, Mount, Publication
from tidegate.stacks.field_changes import field_changes
from tidegate.stacks.fingerprint import fingerprint

OLD = ContainerSpec(
    name="a",
    image="web:1",
    command=("serve", "--fast"),
    environment={"MODE": "fast", "PASSWORD": "hush"},
    labels={"aliyun.scale": "2", "x": "1"},
    networks={"front": Attachment(aliases=("web",)), "back": Attachment()},
)


def changed(**fields):
    return tuple(map(str, field_changes(OLD, msgspec.structs.replace(OLD, **fields))))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"image": "web:2"}, ("image web:1 -> web:2",)),
        ({"command": ("serve",)}, ("command serve --fast -> serve",)),
        ({"command": ()}, ("command serve --fast -> (not set)",)),
        ({"labels": {"aliyun.scale": "9", "x": "2"}}, ("labels.x 1 -> 2",)),
        ({"limits": Limits(cpus=1.5)}, ("limits.cpus (not set) -> 1.5",)),
        ({"publish": (Publication(port=80, host_port=8080),)}, ("publish (not set) -> port=80 host_port=8080",)),
        ({"mounts": (Mount(target="/d", source="data"),)}, ("mounts (not set) -> target=/d source=data",)),
        ({"healthcheck": Healthcheck(test=("CMD", "true"))}, ("healthcheck.test (not set) -> CMD true",)),
        ({"networks": {"front": Attachment(aliases=("web",))}}, ("networks.back {} -> (not set)",)),
        (
            {"networks": {"back": Attachment(), "front": Attachment(aliases=("web",))}},
            ("networks front first -> back first",),
        ),
        ({"init": False}, ("init (not set) -> false",)),
        ({"name": "b", "labels": {"aliyun.scale": "9", "x": "1"}}, ()),
    ],
)
def test_what_differs_is_named_with_both_values(fields, told):
    assert changed(**fields) == told


def test_values_that_may_be_secret_are_not_shown():
    told = changed(environment={"MODE": "fast", "PASSWORD": "new"}, logging=Logging(options={"token": "hush"}))
    assert told == ("environment.PASSWORD (hidden) -> (hidden)", "logging.options.token (not set) -> (hidden)")


def test_long_values_are_cut():
    (told,) = changed(command=("x" * 500,))
    assert len(told) < 120


SPECS = st.builds(
    ContainerSpec,
    name=st.just("a"),
    image=st.sampled_from(["a", "b"]),
    environment=st.dictionaries(st.sampled_from("AB"), st.sampled_from(["", "1"])),
    labels=st.dictionaries(st.sampled_from(["x", "aliyun.scale"]), st.sampled_from(["", "1"])),
    networks=st.permutations(["n", "m"]).map(lambda names: {name: Attachment() for name in names}),
    limits=st.builds(Limits, cpus=st.sampled_from([0.0, 1.0])),
    init=st.sampled_from([None, False]),
)


@given(SPECS, SPECS)
def test_something_is_told_exactly_when_the_fingerprints_differ(old, new):
    assert bool(field_changes(old, new)) == (fingerprint(old) != fingerprint(new))
