"""The codec on octets from the grammar, near to it, and from nowhere: what `oracles` says must hold for all of them."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases.strict import Ambiguous
from tests.fuzz import conversation, grammar, mutation, oracles
from tests.fuzz.conversation import CLOSED, OPEN, REFUSED, Requests, Responses, conversed
from tidegate.http1.chunks import ChunkReader


def at_every_boundary(side, data):
    """Outcomes of the octets cut in two at each place, and in single octets."""
    for cut in range(len(data) + 1):
        yield conversed(side(), data, [cut])
    yield conversed(side(), data, range(len(data) + 1))


@given(grammar.pipelines)
def test_sound_requests_are_read_as_they_were_meant_however_they_come(written):
    data = b"".join(one.octets for one in written)
    for side in at_every_boundary(Requests, data):
        assert (side.messages, side.ending) == ([one.message for one in written], OPEN)
    oracles.connection(data, ())


@given(grammar.responses())
def test_a_sound_response_is_read_as_it_was_meant_however_it_comes(written):
    for side in at_every_boundary(Responses, written.octets):
        assert (side.messages, side.ending) == ([written.message], CLOSED)
    oracles.response(written.octets, ())


@given(grammar.pipelines, st.data())
def test_requests_with_a_slip_are_refused_or_read_alike_by_all(written, data):
    octets = slipped(b"".join(one.octets for one in written), data)
    oracles.connection(octets, boundaries(octets, data))
    oracles.request_head(octets, range(min(len(octets), 300)))


@given(grammar.responses(), st.data())
def test_responses_with_a_slip_are_refused_or_read_alike_by_all(written, data):
    octets = slipped(written.octets, data)
    for head_only in (False, True):
        oracles.response(octets, boundaries(octets, data), head_only)
    oracles.response_head(octets, range(min(len(octets), 300)))


@given(grammar.bodies.flatmap(grammar.chunked), st.data())
def test_chunks_with_a_slip_are_refused_or_read_alike_by_all(written, data):
    octets = slipped(written, data)
    oracles.chunks(octets, boundaries(octets, data))


def slipped(octets, data):
    """The octets with one or two of them struck out, put in, or replaced by what decides framing."""
    changed = bytearray(octets)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(changed)))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from((b"", *mutation.WORDS)))
    return bytes(changed)


def boundaries(octets, data):
    return data.draw(st.lists(st.integers(0, len(octets)), max_size=5))


@given(st.integers(0, 1 << 32), st.sampled_from(["requests", "responses", "bodies"]))
def test_changed_cases_are_refused_or_read_alike_by_all(seed, kind):
    rng = random.Random(seed)
    octets = mutation.mutant(rng, kind)
    check = {"requests": oracles.connection, "responses": oracles.response, "bodies": oracles.chunks}[kind]
    check(octets, mutation.cuts(rng, octets))


@given(st.binary(max_size=200), st.lists(st.integers(0, 250), max_size=4))
def test_octets_from_nowhere_break_nothing(octets, cuts):
    cuts = [min(cut, len(octets)) for cut in cuts]
    for check in (oracles.connection, oracles.response, oracles.request_head, oracles.response_head, oracles.chunks):
        check(octets, cuts)


def raws(kind):
    found = []
    for path in sorted(mutation.CASES.glob(f"*-{kind}.json")):
        found += [
            pytest.param(case["raw"].encode("latin-1"), id=case["name"])
            for case in json.loads(path.read_text())["cases"]
        ]
    return found


@pytest.mark.parametrize("raw", raws("requests"))
def test_a_case_comes_to_the_same_at_every_boundary(raw):
    raw = raw[:600]
    whole = conversed(Requests(), raw)
    for side in at_every_boundary(Requests, raw):
        assert (side.messages, side.ending) == (whole.messages, whole.ending)
    oracles.request_head(raw, range(len(raw)))


@pytest.mark.parametrize("raw", raws("requests"))
def test_what_we_forward_of_a_case_all_read_as_we_do(raw):
    oracles.connection(raw, ())


@pytest.mark.parametrize("raw", raws("responses"))
def test_what_we_pass_back_of_a_case_all_read_as_we_do(raw):
    oracles.response(raw, [len(raw) // 2])
    oracles.response(raw, [len(raw) // 2], head_only=True)


# ------------------------------------------------------------------------------------------- the oracles see what they shall

SOUND = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: a.test\r\n\r\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Content-Length: 5", b"Content-Length: 4"),
        (b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 5"),
        (b"Content-Length: 5", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
        (b"Content-Length: 5", b"Content-Length : 5"),
        (b"Host: a.test", b"Host: a.test\r\n fold"),
        (b"Host: a.test", b"Host: a.test\nX: y"),
        (b" /", b" /other"),
    ],
)
def test_forwarding_anything_else_than_what_was_read_is_found(old, new, monkeypatch):
    write = conversation.written_request
    monkeypatch.setattr(conversation, "written_request", lambda head: write(head).replace(old, new, 1))
    with pytest.raises((AssertionError, Ambiguous)):
        oracles.connection(SOUND, ())


def test_a_reader_that_forgets_between_pieces_is_found(monkeypatch):
    class Forgetful(ChunkReader):
        def feed(self, data, start):
            self.held = b""
            return super().feed(data, start)

    monkeypatch.setattr(oracles, "ChunkReader", Forgetful)
    with pytest.raises(AssertionError):
        oracles.chunks(b"5\r\nhello\r\n0\r\n\r\n", [1])


def test_the_oracles_have_something_to_say():
    assert conversed(Requests(), SOUND).messages[0].body == b"hello"
    assert conversed(Requests(), SOUND.replace(b"5", b"+5")).ending == REFUSED
