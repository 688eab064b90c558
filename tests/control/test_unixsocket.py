import os
import socket
import stat

import pytest

from tidegate.control.unixsocket import private_socket


def test_a_socket_is_ours_alone_from_the_first_moment_and_listens(tmp_path):
    mask = os.umask(0)
    try:
        with private_socket(tmp_path / "folder" / "a.sock") as listening, socket.socket(socket.AF_UNIX) as client:
            assert stat.S_IMODE((tmp_path / "folder" / "a.sock").stat().st_mode) == 0o600
            client.connect(listening.getsockname())
        assert os.umask(0) == 0, "the mask is as before"
    finally:
        os.umask(mask)


def test_one_left_behind_is_replaced(tmp_path):
    private_socket(tmp_path / "a.sock").close()
    with private_socket(tmp_path / "a.sock") as listening:
        assert listening.getsockname() == str(tmp_path / "a.sock")


def test_where_none_can_be_made_that_is_raised(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="exists"):
        private_socket(tmp_path / "file" / "a.sock")
