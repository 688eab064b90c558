from __future__ import annotations

import pytest

from tidegate.release.image import Pin, disagreement, same

ONE = Pin(id="sha256:1111111111111111", digests=("web@sha256:a",))
OTHER = Pin(id="sha256:2222222222222222")


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (ONE, True),
        (Pin(id=ONE.id), True),
        (Pin(id="sha256:9", digests=("x@sha256:b", "web@sha256:a")), True),
        (OTHER, False),
    ],
)
def test_an_image_is_the_same_by_its_id_or_by_what_a_registry_calls_it(other, alike):
    assert same(ONE, other) is same(other, ONE) is alike


def test_engines_that_hold_different_images_are_named_with_what_they_hold():
    assert disagreement("web:2", {}) == disagreement("web:2", {"a": ONE}) == ""
    assert disagreement("web:2", {"a": ONE, "b": Pin(id=ONE.id)}) == ""
    said = disagreement("web:2", {"a": ONE, "b": OTHER})
    assert said.startswith("web:2 is not the same image on all engines: a has sha256:111111111111, b has sha256:2222")
    assert "--pull always" in said
