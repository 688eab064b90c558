"""What must hold for any octets whatever. Each oracle takes octets and raises AssertionError (or Ambiguous) where it does not.

No exception of ours; the same outcome for every division into pieces; output bounded by input; what is forwarded is read by a
strict reader, by h11 and by llhttp as the same messages, and by ourselves as the same octets; where another reader takes the
input too, it sees the same messages as we do.
"""

from __future__ import annotations

import contextlib
import itertools

from tests.cases.strict import Ambiguous, read_chunked
from tests.fuzz import readers
from tests.fuzz.conversation import LIMITS, OPEN, UPGRADED, Requests, Responses, conversed
from tidegate.http1.chunks import ChunkReader
from tidegate.http1.events import Limits
from tidegate.http1.request import parse_request
from tidegate.http1.response import parse_response

SMALL = Limits(head_bytes=100, headers=4, target_bytes=20)  # so that bounds are met by short octets
GROWTH = 6  # `1 CRLF x CRLF` for one octet that came alone
PER_HEAD = 64  # a Host line, a framing line, an upgrade written anew


def connection(data, cuts):
    """A client's whole connection."""
    whole = conversed(Requests(), data)
    _same_in_pieces(whole, conversed(Requests(), data, cuts))
    written = b"".join(whole.forwarded)
    assert len(written) <= GROWTH * len(data) + PER_HEAD * len(whole.forwarded)
    if not whole.messages:
        return
    _as_written(whole, written)
    _as_it_came(whole.messages, readers.by_h11(data)[0])
    if b"upgrade" not in data.lower():  # where llhttp stops reading HTTP
        _as_it_came(whole.messages, _known_to_llhttp(readers.by_llhttp(data)[0]))


def _as_written(whole, written):
    """Whoever reads what we wrote reads what we read; of an unfinished message only what is in front of it counts."""
    assert readers.strictly(written) == whole.messages
    seen, refused = readers.by_h11(written)
    assert seen == whole.messages
    assert not refused or whole.ending != OPEN
    if all(message.start in readers.LLHTTP_METHODS for message in whole.messages):
        assert readers.by_llhttp(written)[0][: len(whole.messages)] == whole.messages
    again = conversed(Requests(), written)
    assert again.messages == whole.messages
    assert b"".join(again.forwarded) == written
    assert (again.ending == UPGRADED) == (whole.ending == UPGRADED)


def _as_it_came(ours, theirs):
    """Whoever reads the same octets and takes them reads the same; a target that we rewrote is ours alone."""
    for mine, other in zip(ours, theirs, strict=False):
        assert (mine.start, mine.body) == (other.start, other.body)
        assert mine.target == other.target or not other.target.startswith(b"/")


def _known_to_llhttp(messages):
    """Up to the first with a method that llhttp treats in a way of its own."""
    found = []
    for message in messages:
        if message.start not in readers.LLHTTP_METHODS:
            break
        found.append(message)
    return found


def _same_in_pieces(whole, pieces):
    assert pieces.messages == whole.messages
    assert pieces.ending == whole.ending


def response(data, cuts, head_only=False):
    """A container's answer, up to its close."""
    whole = conversed(Responses(head_only), data)
    pieces = conversed(Responses(head_only), data, cuts)
    whole.close()
    pieces.close()
    _same_in_pieces(whole, pieces)
    written = b"".join(whole.forwarded)
    assert len(written) <= GROWTH * len(data) + PER_HEAD * len(whole.forwarded)
    if not whole.messages:
        return
    assert readers.by_h11_as_client(written, head_only, closed=False) == (whole.messages[0], False)
    other, refused = readers.by_h11_as_client(data, head_only)
    assert refused or other is None or other == whole.messages[0]
    if not head_only:
        assert readers.by_llhttp_as_client(written) == (whole.messages, False)
    again = conversed(Responses(head_only), written)
    assert again.messages == whole.messages
    assert b"".join(again.forwarded) == written


def request_head(data, cuts):
    """A request head, whole and up to each cut: a part is incomplete, or as the whole is."""
    for limits in (LIMITS, SMALL):
        _parts_agree(lambda part: parse_request(part, 0, limits), data, cuts)  # noqa: B023  called at once


def response_head(data, cuts):
    """The same of a response head."""
    for limits in (LIMITS, SMALL):
        _parts_agree(lambda part: parse_response(part, 0, False, limits), data, cuts)  # noqa: B023  called at once


def _parts_agree(parse, data, cuts):
    whole = parse(data)
    for cut in cuts:
        part = parse(data[:cut])
        if part is None:
            continue
        assert whole is not None
        assert (part.error is None) == (whole.error is None)
        if part.error is None:
            assert (part.end, part.fields, part.framing, part.length) == (
                whole.end,
                whole.fields,
                whole.framing,
                whole.length,
            )


def chunks(data, cuts):
    """A chunked body, as it came and as bare content."""
    bare, end, state = _chunks(data, (), True)
    assert _chunks(data, cuts, True) == (bare, end, state)
    written, same_end, same_state = _chunks(data, cuts, False)
    assert (same_end, same_state) == (end, state)
    if state == (True, False):
        assert read_chunked(written, 0) == (bare, len(written), False)
        with contextlib.suppress(Ambiguous):  # stricter than the grammar: no white space before an extension
            assert read_chunked(data, 0)[:2] == (bare, end)


def _chunks(data, cuts, bare):
    """(what is written, where the body ends, (done, error)); at a fault only that there was one."""
    reader = ChunkReader(bare)
    out = []
    edges = [0, *sorted(cuts), len(data)]
    for start, stop in itertools.pairwise(edges):
        out.append(reader.feed(data[:stop], start))
        if reader.done or reader.error:
            break
    if reader.error:
        return b"", 0, (False, True)
    return b"".join(out), reader.end, (reader.done, False)
