import pytest

from tests.support.fake_engine import FakeEngine
from tidegate.control.engines import Engines
from tidegate.errors import EngineError


def test_an_engine_is_found_by_its_name():
    one, two = FakeEngine(), FakeEngine()
    engines = Engines({"docker": one, "docker-2": two})
    assert engines.at("docker-2") is two
    assert engines.known("docker")
    assert not engines.known("file")


def test_the_only_engine_need_not_be_said():
    only = FakeEngine()
    engines = Engines({"docker": only})
    assert engines.at("") is only
    assert engines.name("") == "docker"


@pytest.mark.parametrize("node", ["", "docker-3"])
def test_an_engine_that_is_not_here_is_an_error(node):
    with pytest.raises(EngineError) as caught:
        Engines({"docker": FakeEngine(), "docker-2": FakeEngine()}).at(node)
    assert caught.value.problems[0].code == "T1158"
