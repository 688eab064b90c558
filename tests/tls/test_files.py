from __future__ import annotations

import pytest

from tidegate.tls.files import PairFiles, authorities_in, content, pairs_in


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return str(folder)


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("shop.crt", "shop.key"), [("shop", "shop.crt", "shop.key")]),
        (("shop.crt",), [("shop", "shop.crt", "shop.key")]),
        (("shop.pem",), [("shop", "shop.pem", "")]),
        (("shop.pem", "shop.key"), [("shop", "shop.pem", "shop.key")]),
        (("a.test.pem", "a.test-key.pem"), [("a.test", "a.test.pem", "a.test-key.pem")]),
        (("shop.crt", "shop.key", "shop.pem"), [("shop", "shop.crt", "shop.key")]),
        (("a.test/fullchain.pem", "a.test/privkey.pem"), [("a.test", "a.test/fullchain.pem", "a.test/privkey.pem")]),
        (("live/a/fullchain.pem", "live/a/privkey.pem"), [("a", "live/a/fullchain.pem", "live/a/privkey.pem")]),
        (("README", ".hidden.crt", "lonely.key", "deep/er/x.crt"), []),
    ],
)
def test_a_folder_is_read_in_the_layouts_that_people_have(tmp_path, names, pairs):
    folder = make(tmp_path, *names)
    expected = [
        PairFiles(name=name, chain=f"{folder}/{chain}", key=f"{folder}/{key}" if key else "")
        for name, chain, key in pairs
    ]
    assert pairs_in(folder) == expected


def test_authorities_are_pem_files_by_name(tmp_path):
    folder = make(tmp_path, "staff.pem", "partners.crt", "ca-key.pem", "note.txt")
    assert authorities_in(folder) == {"staff": f"{folder}/staff.pem", "partners": f"{folder}/partners.crt"}


def test_a_folder_that_is_not_there_and_a_file_without_end_are_errors(tmp_path):
    with pytest.raises(OSError, match="No such"):
        pairs_in(str(tmp_path / "none"))
    (tmp_path / "big.pem").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="longer"):
        content(str(tmp_path / "big.pem"))
