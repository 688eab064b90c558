import pytest

from tidegate.engine.image_name import ImageName, familiar, read_image_name
from tidegate.errors import EngineError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name", "registry"),
    [
        ("web", ImageName(repository="web"), "docker.io"),
        ("shop/web:1.2_x", ImageName(repository="shop/web", tag="1.2_x"), "docker.io"),
        ("localhost/web:1", ImageName(repository="localhost/web", tag="1"), "localhost"),
        ("ghcr.io/shop/web", ImageName(repository="ghcr.io/shop/web"), "ghcr.io"),
        ("127.0.0.1:5000/web:v2", ImageName(repository="127.0.0.1:5000/web", tag="v2"), "127.0.0.1:5000"),
        (f"web@{DIGEST}", ImageName(repository="web", digest=DIGEST), "docker.io"),
        (f"r:5000/a/b-c__d:t@{DIGEST}", ImageName(repository="r:5000/a/b-c__d", tag="t", digest=DIGEST), "r:5000"),
    ],
)
def test_a_name_is_taken_apart(text, name, registry):
    assert read_image_name(text) == name
    assert name.registry == registry


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web", "web:latest"),
        ("docker.io/library/web:1", "web:1"),
        ("docker.io/shop/web", "shop/web:latest"),
        ("ghcr.io/shop/web:2", "ghcr.io/shop/web:2"),
        (f"web:1@{DIGEST}", f"web@{DIGEST}"),
        (DIGEST, DIGEST),
        ("no name at all", "no name at all"),
    ],
)
def test_an_image_is_called_as_the_engine_shows_it(text, shown):
    assert familiar(text) == shown


def test_what_is_wanted_is_the_digest_then_the_tag_then_the_latest():
    assert read_image_name(f"web:1@{DIGEST}").wanted == DIGEST
    assert read_image_name("web:1").wanted == "1"
    assert read_image_name("web").wanted == "latest"


@pytest.mark.parametrize(
    "text",
    ["", " ", "web:", "web:1:2", "web@", "web@x", "../web", "web v2", "-web", "web/", DIGEST, "a" * 64, "x?all=1"],
)
def test_what_is_no_name_is_refused(text):
    with pytest.raises(EngineError) as caught:
        read_image_name(text)
    assert caught.value.problems[0].code == "T1157"
