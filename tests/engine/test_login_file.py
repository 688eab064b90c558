import base64
import json

import pytest

from tidegate.engine.login_file import Helper, Login, header, login_for

SECRET = "swordfish"


def auth(name="ann", password=SECRET):
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def found(registry="r.test:5000", **file):
    return login_for(json.dumps(file).encode(), registry)


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("r.test:5000", "r.test:5000"),
        ("https://r.test:5000", "r.test:5000"),
        ("http://r.test:5000/v2/", "r.test:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_a_login_is_found_by_its_registry_however_that_was_written(key, registry):
    login = found(registry, auths={"other.test": {"auth": auth("bob")}, key: {"auth": auth()}})
    assert (login.name, login.password) == ("ann", SECRET)


@pytest.mark.parametrize(
    "file", [{}, {"auths": {}}, {"auths": {"r.test": {"auth": auth()}}}, {"auths": {"r.test:5000": {}}}]
)
def test_a_registry_that_is_not_named_has_no_login(file):
    assert found(**file) is None


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"username": "ann", "password": SECRET}, Login(name="ann", password=SECRET)),
        ({"auth": auth("ann", "a:b")}, Login(name="ann", password="a:b")),
        ({"auth": auth(), "identitytoken": "t"}, Login(identity="t")),
        ({"registrytoken": "t"}, Login(token="t")),
    ],
)
def test_a_login_comes_in_each_of_dockers_forms(entry, login):
    assert found(auths={"r.test:5000": entry}) == login


def test_a_helper_of_the_registry_goes_before_the_one_of_all_and_that_before_the_file():
    file = {
        "auths": {"r.test:5000": {"auth": auth()}},
        "credsStore": "pass",
        "credHelpers": {"r.test:5000": "ecr-login"},
    }
    assert found(**file) == Helper(name="ecr-login", address="r.test:5000")
    assert found("docker.io", **file) == Helper(name="pass", address="https://index.docker.io/v1/")


@pytest.mark.parametrize(
    "content",
    [SECRET.encode(), b"[]", b'{"auths": ["swordfish"]}', b'{"auths": {"r": {"auth": 1}}}']
    + [
        json.dumps({"auths": {"r": {"auth": text}}}).encode()
        for text in (SECRET, base64.b64encode(b"swordfish").decode())
    ],
)
def test_what_is_no_such_file_is_said_without_its_words(content):
    with pytest.raises(ValueError, match="it") as caught:
        login_for(content, "r")
    assert SECRET not in str(caught.value)
    assert base64.b64encode(b"swordfish").decode() not in str(caught.value)


def test_the_header_is_base64_for_urls_of_what_is_known():
    said = json.loads(base64.urlsafe_b64decode(header(Login(name="ann", password="??>>"), "docker.io")))
    assert said == {"username": "ann", "password": "??>>", "serveraddress": "https://index.docker.io/v1/"}
    assert "+" not in header(Login(name="ann", password="??>>"), "r.test")


def test_a_login_shows_nothing_of_itself():
    assert SECRET not in repr(Login(name="ann", password=SECRET, token=SECRET))
