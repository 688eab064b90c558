from __future__ import annotations

import pytest

from tidegate.cli.demo_screen import Live, NoPicture, Plain, cells, picture, welcome
from tidegate.cli.demo_stage import Ports
from tidegate.cli.demo_traffic import Row
from tidegate.cli.output import Screen
from tidegate.cli.session import Session

ROWS = [
    Row(host="hello.localhost", answered_by="hello v1", per_second=9.96, share_percent=74.6, requests=120, errors=0),
    Row(host="hello.localhost", answered_by="hello v2", per_second=3.3, share_percent=25.4, requests=40, errors=2),
]


def told(**options):
    session = Session()
    for name, value in options.items():
        setattr(session, name, value)
    return session


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, Plain),
        ({"progress": "plain"}, Plain),
        ({"progress": "tty"}, Live),
        ({"progress": "quiet"}, NoPicture),
        ({"verbosity": -1}, NoPicture),
        ({"json": True, "progress": "tty"}, NoPicture),
    ],
)
def test_the_picture_is_what_the_output_can_show(options, kind):
    assert type(picture(told(**options))) is kind


def test_a_row_is_rounded_for_reading():
    assert cells(ROWS[0]) == ("hello.localhost", "hello v1", "10.0", "75%", "120", "0")


def test_plain_lines_have_a_time_and_tabs(capsys):
    shown = picture(told())
    shown.start()
    shown.update(ROWS)
    shown.stop()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[1:] for line in lines] == [list(cells(row)) for row in ROWS]


def test_the_live_table_shows_every_row(capsys):
    shown = Live(color=False)
    shown.start()
    shown.update(ROWS)
    shown.stop()
    out = capsys.readouterr().out
    assert "hello v1" in out
    assert "hello v2" in out
    assert "Ctrl-C" in out


def test_the_welcome_can_be_pasted(capsys):
    welcome(Screen(told()), Ports(http=8081, dns=5354, admin=9901))
    out = capsys.readouterr().out
    assert "curl -H 'Host: hello.localhost' http://127.0.0.1:8081/" in out
    assert "dig @127.0.0.1 -p 5354" in out
    assert "tidegate --admin 127.0.0.1:9901 shift hello v2=10" in out
