import os

import pytest

from tidegate.app.folder import StateFolder
from tidegate.errors import ConfigError


def test_a_folder_is_made_and_belongs_to_one(tmp_path):
    first, second = StateFolder(str(tmp_path / "a" / "state")), StateFolder(str(tmp_path / "a" / "state"))
    first.take()
    with pytest.raises(ConfigError) as caught:
        second.take()
    assert caught.value.problems[0].code == "T1012"
    assert str(os.getpid()) in caught.value.problems[0].cause
    first.release()
    second.take()
    second.release()
    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_is_told_with_its_cause(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as caught:
        StateFolder(str(tmp_path / "file" / "state")).take()
    (problem,) = caught.value.problems
    assert (problem.code, problem.cause) == ("T1013", "Not a directory")
