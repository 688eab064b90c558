import pytest
from msgspec.structs import replace

from tests.support import releases
from tidegate.control.duplicates import duplicate, mark, slot_of
from tidegate.engine.port import Duplicate
from tidegate.release.acts import Create
from tidegate.release.image import Pin
from tidegate.release.spec import Change, Side, Step


def release(number=7, **given):
    return releases.release(number, **given)


ACT = Create(name="shop-web-2", number=2, source="old-1")


def test_a_copy_gets_the_spec_s_change_the_version_and_our_marks():
    change = Change(
        image="web:2",
        image_id="sha256:2",
        environment={"A": "1", "B": None},
        labels={"x": "y", "z": None},
        command=("serve",),
    )
    assert duplicate(release(change=change), ACT, {"tidegate.service": "shop/web"}) == Duplicate(
        name="shop-web-2",
        image="web:2",
        image_id="sha256:2",
        environment={"A": "1", "B": None},
        labels={
            "x": "y",
            "z": None,
            "tidegate.version": "v2",
            "io.tidegate.release": "shop/web#7",
            "io.tidegate.slot": "2",
        },
        command=("serve",),
    )


def test_a_copy_is_made_of_the_image_that_was_found_on_its_engine():
    pinned = replace(release(change=Change(image="web:2")), images={"a": Pin(id="sha256:a"), "": Pin(id="sha256:b")})
    assert duplicate(pinned, ACT, {}).image_id == "sha256:b"
    assert duplicate(pinned, replace(ACT, node="a"), {}).image_id == "sha256:a"
    assert duplicate(replace(pinned, spec=release().spec), ACT, {}).image_id == ""  # the one of what is copied


def test_a_candidate_without_a_version_loses_the_label_of_the_old_one():
    changed = duplicate(release(candidate=Side(service="shop/web")), ACT, {"tidegate.version": "v1"})
    assert changed.labels["tidegate.version"] is None


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "shop/web"),
        ({"tidegate.service": "shop/web"}, None),
        ({"com.docker.compose.service": "web", "com.docker.compose.project": "shop"}, None),
        ({"com.docker.compose.service": ""}, "shop/web"),
    ],
)
def test_the_service_is_said_where_the_name_alone_would_say_it(labels, said):
    assert duplicate(release(), ACT, labels).labels.get("tidegate.service") == said


def test_a_candidate_that_is_another_service_is_always_called_so():
    other = release(candidate=Side(service="shop/web-v2", version="v2"))
    labels = {"com.docker.compose.service": "web"}
    assert duplicate(other, ACT, labels).labels["tidegate.service"] == "shop/web-v2"


@pytest.mark.parametrize("stop_first", [True, False])
def test_the_present_step_says_which_goes_first(stop_first):
    step = Step(candidates=1, share=100, stables=0, stop_first=stop_first)
    assert duplicate(release(steps=(step,)), ACT, {}).stop_first is stop_first


def test_a_container_of_the_release_is_known_by_its_marks():
    ours = {"io.tidegate.release": "shop/web#7", "io.tidegate.slot": "3"}
    assert mark(release()) == "shop/web#7"
    assert slot_of(release(), ours) == 3
    assert slot_of(release(number=8), ours) == 0
    assert slot_of(release(), {}) == 0
    assert slot_of(release(), ours | {"io.tidegate.slot": "x"}) == 0
