"""A file is whole, or not believed."""

import pytest

from tidegate.store.sealed import unsealed, write_sealed

MAGIC = b"TESTFILE"


def test_what_was_written_is_read_and_nobody_else_may(tmp_path):
    path = tmp_path / "file"
    write_sealed(path, MAGIC, b"body")
    assert unsealed(path.read_bytes(), MAGIC) == b"body"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path], "no temporary file is left"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: b"OTHERONE" + data[8:],
        lambda data: data + b"x",
    ],
)
def test_what_was_spoiled_is_not_believed(tmp_path, spoil):
    path = tmp_path / "file"
    write_sealed(path, MAGIC, b"body")
    with pytest.raises(ValueError, match=r"it is another kind of file|its checksum is wrong"):
        unsealed(spoil(path.read_bytes()), MAGIC)
