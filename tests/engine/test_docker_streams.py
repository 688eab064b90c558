import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.engine.docker_streams import MAX_LINE_BYTES, MAX_VALUE_BYTES, Demultiplexer, JsonSplitter, Lines

VALUES = [
    {"Action": "start", "name": "grün ✓ 𝄞"},
    {"quoted": 'a "b" \\ { [ } ]', "empty": {}},
    [],
    {"nested": [{"deep": ["}", "\\"]}]},
]


def encoded(between):
    return between.join(json.dumps(value, ensure_ascii=False).encode() for value in VALUES)


STREAMS = {
    "a value a line": encoded(b"\n") + b"\n",
    "values back to back": encoded(b""),
    "record separators": b"\x1e" + encoded(b"\n\x1e") + b"\n",
    "carriage returns": encoded(b"\r\n"),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_values_come_whole_wherever_the_stream_is_cut_in_two(stream):
    for cut in range(len(stream) + 1):
        splitter = JsonSplitter()
        found = splitter.feed(stream[:cut]) + splitter.feed(stream[cut:])
        assert [json.loads(value) for value in found] == VALUES


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_values_come_whole_from_single_bytes(stream):
    splitter = JsonSplitter()
    found = [value for at in range(len(stream)) for value in splitter.feed(stream[at : at + 1])]
    assert [json.loads(value) for value in found] == VALUES


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3)), st.lists(st.integers(0, 400)), st.booleans())
def test_any_objects_cut_anywhere_come_back_equal(values, cuts, ascii_only):
    stream = b"\n".join(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") for value in values)
    splitter = JsonSplitter()
    ends = [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    begin, found = 0, []
    for end in ends:
        found += splitter.feed(stream[begin:end])
        begin = end
    assert [json.loads(value) for value in found] == values


def test_a_value_is_given_as_soon_as_its_last_byte_is_here():
    splitter = JsonSplitter()
    assert splitter.feed(b'{"a":1') == []
    assert splitter.feed(b'}{"b"') == [b'{"a":1}']


@pytest.mark.parametrize("junk", [b"HTTP/1.1 400", b"1 2", b"{}]", b"<html>"])
def test_what_is_no_object_is_refused(junk):
    with pytest.raises(ValueError, match="not a JSON object"):
        JsonSplitter().feed(junk)


def test_a_value_without_end_is_refused_before_it_eats_the_memory():
    splitter = JsonSplitter()
    splitter.feed(b'{"a":"')
    with pytest.raises(ValueError, match="more than"):
        splitter.feed(b"x" * MAX_VALUE_BYTES)


FRAMES = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x04err!\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\x02\xc3\xa9"


def collect(pieces):
    merged = {"stdout": b"", "stderr": b""}
    for stream, piece in pieces:
        merged[stream] += piece
    return merged


def test_outputs_are_told_apart_wherever_the_frames_are_cut():
    for cut in range(len(FRAMES) + 1):
        demultiplexer = Demultiplexer()
        pieces = demultiplexer.feed(FRAMES[:cut]) + demultiplexer.feed(FRAMES[cut:])
        assert collect(pieces) == {"stdout": "outé".encode(), "stderr": b"err!"}


def test_output_of_a_terminal_is_no_frame():
    with pytest.raises(ValueError, match="not a frame"):
        Demultiplexer().feed(b"plain text of a terminal")


def test_lines_come_whole_wherever_their_bytes_are_cut():
    text = "eins\r\nzwei ü\n\nrest".encode()
    for cut in range(len(text) + 1):
        lines = Lines()
        found = lines.feed(text[:cut]) + lines.feed(text[cut:]) + lines.finish()
        assert found == ["eins", "zwei ü", "", "rest"]


def test_a_line_without_end_is_split():
    lines = Lines()
    assert lines.feed(b"x" * (MAX_LINE_BYTES + 1)) == ["x" * MAX_LINE_BYTES]
    assert lines.finish() == ["x"]
