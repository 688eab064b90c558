from __future__ import annotations

import json

import dns.message
import pytest

from tests.support.dns import LOCAL, name, target, zone_of
from tidegate.dns import wire
from tidegate.dns.querylog import QueryLog
from tidegate.dns.record import packed

ZONE = zone_of(name("web", target("1.web", "10.1.0.1")))
WALL = 1_790_000_000.25


@pytest.fixture
def written(tmp_path):
    """Notes replies with a log, closes it, and gives the lines that were written."""

    def write(*notes, sample=1.0, chances=()):
        path = tmp_path / "queries.log"
        log = QueryLog(str(path), sample, ZONE.name_of, chance=iter(chances).__next__, wall=lambda: WALL)
        log.open()
        for note in notes:
            log.note(*note)
        log.close()
        return [json.loads(line) for line in path.read_text().splitlines()]

    return write


def note(qname="web", qtype="A", *, source="10.1.0.1", rcode=0, stream=False, from_="own-zone"):
    query = wire.parse(dns.message.make_query(qname, qtype).to_wire())
    return (wire.reply(query, rcode), ZONE.asker(packed(source), LOCAL, stream), from_, rcode, 0.000025)


def test_a_line_names_the_container_the_question_and_what_came_of_it(written):
    (line,) = written(note())
    assert line == {
        "time": "2026-09-21T14:13:20.250Z",
        "client": "10.1.0.1",
        "container": "1.web",
        "protocol": "udp",
        "name": "web",
        "type": "A",
        "rcode": "NOERROR",
        "source": "own-zone",
        "size": 21,
        "duration_us": 25,
    }


def test_an_asker_that_is_no_container_has_an_address_only(written):
    (line,) = written(note(source="fd00::9", stream=True, rcode=3, from_="cache"))
    assert (line["client"], line["protocol"], line["rcode"], line["source"]) == ("fd00::9", "tcp", "NXDOMAIN", "cache")
    assert "container" not in line


def test_what_an_upstream_answered_names_it(written):
    (line,) = written((*note(qname="example.org", from_="forward"), "192.0.2.53:53"))
    assert (line["source"], line["upstream"]) == ("forward", "192.0.2.53:53")


def test_a_share_of_the_queries_is_logged(written):
    lines = written(note("a"), note("b"), note("c"), sample=0.5, chances=[0.9, 0.49, 0.5])
    assert [line["name"] for line in lines] == ["b"]


def test_odd_octets_and_odd_codes_cannot_break_a_line(written):
    query = wire.parse(b'\0\1\1\0\0\1\0\0\0\0\0\0\x04"\n\\\xff\0\xff\x2d\0\1')
    reply = wire.reply(query, wire.NXDOMAIN)
    unread = wire.reply(wire.parse(b"\0\1\1\0" + bytes(8)), wire.FORMERR)
    asker = ZONE.asker(packed("10.1.0.9"), LOCAL)
    odd, empty = written((reply, asker, "forward", 22, 1.0), (unread, asker, "refused", 1, 0.0))
    assert (odd["name"], odd["type"], odd["rcode"]) == ('"\\010\\092\\255', "TYPE65325", "RCODE22")
    assert (empty["name"], empty["type"], empty["rcode"]) == ("", "", "FORMERR")


def test_after_a_change_of_the_table_an_address_may_have_another_name(tmp_path):
    path = tmp_path / "queries.log"
    names = iter(["1.web", "2.web"])
    log = QueryLog(str(path), 1.0, lambda _: next(names))
    log.open()
    log.note(*note())
    log.note(*note())
    log.forget()
    log.note(*note())
    log.close()
    found = [json.loads(line)["container"] for line in path.read_text().splitlines()]
    assert found == ["1.web", "1.web", "2.web"]


def test_lines_that_cannot_be_written_are_counted(tmp_path):
    log = QueryLog(str(tmp_path / "missing" / "queries.log"), 1.0, ZONE.name_of)
    log.open()
    log.note(*note())
    log.close()
    assert log.dropped == 1
