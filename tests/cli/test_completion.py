from __future__ import annotations

import pytest

from tests.support.cli import piped
from tidegate.cli.completion import known_names, names


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("TIDEGATE_STATE", str(tmp_path))
    (tmp_path / "names").write_text("service\tshop/web\nservice\tdb\nroute\tshop.test\nnode\tn1\nbroken line\n")
    return tmp_path


@pytest.mark.parametrize(
    ("shell", "mark"), [("bash", "complete -o"), ("zsh", "#compdef tidegate"), ("fish", "complete ")]
)
def test_each_shell_gets_its_script(shell, mark):
    done = piped("completion", shell)
    assert done.code == 0
    assert mark in done.out
    assert "_TIDEGATE_COMPLETE" in done.out


def test_names_come_from_the_daemons_file(state):
    assert known_names(("service", "node")) == [("service", "shop/web"), ("service", "db"), ("node", "n1")]


def test_no_file_is_no_names(state):
    (state / "names").unlink()
    assert known_names(("service",)) == []


def test_only_names_with_the_prefix_are_offered(state):
    items = names("service", "route").shell_complete(None, None, "sh")
    assert [(item.value, item.help) for item in items] == [("shop/web", "service"), ("shop.test", "route")]


@pytest.mark.parametrize(
    ("words", "current", "expected"),
    [
        ("tidegate down ", "2", {"shop", "blog"}),
        ("tidegate logs ", "2", {"shop", "blog", "web", "shop/web"}),
        ("tidegate scale w", "2", {"web="}),
        ("tidegate plan -p s", "3", {"shop"}),
        ("tidegate show sh", "2", {"shop"}),
    ],
)
def test_stacks_and_their_services_are_offered_where_they_are_meant(state, words, current, expected):
    (state / "names").write_text("stack\tshop\nstack\tblog\nmember\tshop/web\nmember\tweb\n")
    extra = {"_TIDEGATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": current}
    done = piped(TIDEGATE_STATE=str(state), **extra)
    assert {line.partition(",")[2] for line in done.out.splitlines()} == expected


@pytest.mark.parametrize(
    ("words", "current", "expected"),
    [
        ("tidegate sh", "1", {"shift", "show"}),
        ("tidegate shift d", "2", {"db"}),
        ("tidegate status --js", "2", {"--json"}),
    ],
)
def test_tab_completes_verbs_names_and_options(state, words, current, expected):
    extra = {"_TIDEGATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": current}
    done = piped(TIDEGATE_STATE=str(state), **extra)
    assert {line.partition(",")[2] for line in done.out.splitlines()} == expected
