import pytest

from tidegate.stacks.envfile import parse


def read(text, **more):
    problems = []
    return parse(text, {"HOME": "/root"}, lambda code, line, said: problems.append((code, line)), **more), problems


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1\nB = 2\nexport C=3", {"A": "1", "B": "2", "C": "3"}),
        ("# note\n\nA=1 # note\nB=1#2", {"A": "1", "B": "1#2"}),
        ("A='$HOME # x'\nB=\"$HOME # x\"\nC=$HOME", {"A": "$HOME # x", "B": "/root # x", "C": "/root"}),
        ("A=\"one\\ntwo\"\nB='one\\ntwo'", {"A": "one\ntwo", "B": "one\\ntwo"}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ('A="say \\"x\\" \\$HOME"', {"A": 'say "x" $HOME'}),
        ("A=1\nB=${A}2\nC=${D:-x}", {"A": "1", "B": "12", "C": "x"}),
        ("A\nB=", {"A": None, "B": ""}),
        ("A: 1", {"A": "1"}),
        ("\ufeffA=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=x=y", {"A": "x=y"}),
        ('A="x" # note', {"A": "x"}),
    ],
)
def test_lines_are_read_in_every_form(text, found):
    assert read(text) == (found, [])


def test_in_a_raw_file_everything_behind_the_sign_is_the_value():
    assert read("A='$HOME' # x\nB=\"", raw=True) == ({"A": "'$HOME' # x", "B": '"'}, [])


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("A=1\n=2", [("T1174", 2)]),
        ("1A=1", [("T1174", 1)]),
        ("A='open", [("T1174", 1)]),
        ("A='x' y", [("T1174", 1)]),
        ("A=$NOBODY", [("T1133", 1)]),
        ("A=$", [("T1134", 1)]),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, problems):
    assert read(text)[1] == problems
