from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
import time

import pytest

from tidegate.logfile import LogFile

DEADLINE = 10.0


@pytest.fixture
def opened():
    """Opens logs that are closed at the end."""
    logs = []

    def make(path):
        log = LogFile(str(path))
        log.open()
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close(DEADLINE)


def until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_lines_reach_the_file_in_order(tmp_path):
    path = tmp_path / "log"
    log = LogFile(str(path))
    log.open()
    for number in range(100):
        log.write([b"%d\n" % number])
    log.close(DEADLINE)
    assert path.read_bytes().split() == [b"%d" % number for number in range(100)]


def test_a_log_that_nobody_reads_costs_lines_and_never_waits(tmp_path, opened):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    log = opened(path)
    lines = [b"x" * 1023 + b"\n"] * 1024
    for _ in range(16):
        log.write(lines)
    assert log.dropped >= 7 * 1024
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETFL, 0)
    log.close(0)
    while b"end\n" not in (data := os.read(reader, 1 << 20)):
        if len(data) < 1024:
            break
    os.close(reader)


def test_a_pipe_without_a_reader_does_not_stop_the_start_and_keeps_the_first_lines(tmp_path, opened):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    log = opened(path)
    log.write([b"first\n"])
    reader = os.open(path, os.O_RDONLY)
    assert os.read(reader, 100) == b"first\n"
    os.close(reader)


def test_a_moved_file_is_opened_anew_under_its_name(tmp_path, opened, monkeypatch):
    monkeypatch.setattr("tidegate.logfile._LOOK_SECONDS", 0.0)
    path, old = tmp_path / "log", tmp_path / "log.1"
    log = opened(path)
    log.write([b"one\n"])
    until(lambda: path.read_bytes() == b"one\n")
    path.rename(old)
    log.write([b"two\n"])
    until(path.exists)
    until(lambda: path.read_bytes() == b"two\n")
    assert old.read_bytes() == b"one\n"


def test_a_file_is_opened_anew_when_asked_for(tmp_path, opened):
    path, old = tmp_path / "log", tmp_path / "log.1"
    log = opened(path)
    log.write([b"one\n"])
    until(lambda: path.read_bytes() == b"one\n")
    path.rename(old)
    log.reopen()
    log.write([b"two\n"])
    until(lambda: path.exists() and path.read_bytes() == b"two\n")


def test_while_the_folder_is_gone_the_old_file_takes_the_lines(tmp_path, opened):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = opened(folder / "log")
    log.write([b"one\n"])
    until(lambda: (folder / "log").read_bytes() == b"one\n")
    moved = folder.rename(tmp_path / "moved")
    log.reopen()
    log.write([b"two\n"])
    until(lambda: (moved / "log").read_bytes() == b"one\ntwo\n")


def test_a_file_that_cannot_be_opened_yet_costs_lines_until_it_can(tmp_path, opened, monkeypatch):
    monkeypatch.setattr("tidegate.logfile._LOOK_SECONDS", 0.0)
    log = opened(tmp_path / "logs" / "log")
    log.write([b"one\n", b"two\n"])
    until(lambda: log.dropped == 2)
    (tmp_path / "logs").mkdir()
    log.write([b"three\n"])
    until((tmp_path / "logs" / "log").exists)
    until(lambda: (tmp_path / "logs" / "log").read_bytes() == b"three\n")


FULL = """
import resource, signal, sys
from tidegate.logfile import LogFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log = LogFile(sys.argv[1])
log.open()
log.write([b"x" * 99 + b"\\n"] * 15)
log.close(10)
print(log.dropped)
"""


def test_a_full_disk_costs_the_lines_that_do_not_fit(tmp_path):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "5"
    assert path.read_bytes() == (b"x" * 99 + b"\n") * 10


def test_after_a_torn_line_the_next_one_begins_on_its_own(tmp_path, opened, monkeypatch):
    path = tmp_path / "log"
    log = opened(path)
    real, calls = os.write, []

    def short(descriptor, data):
        calls.append(len(data))
        if len(calls) == 1:
            return real(descriptor, bytes(data)[:5])
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr("tidegate.logfile.os.write", short)
    log.write([b"a long line\n"])
    until(lambda: log.dropped == 1)
    log.write([b"whole\n"])
    until(lambda: path.read_bytes() == b"a lon\nwhole\n")


def test_a_pipe_that_was_made_non_blocking_loses_nothing_while_it_is_read(tmp_path, opened):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    log = opened(path)
    fcntl.fcntl(log._descriptor, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
    lines = [b"%07d\n" % number for number in range(100_000)]
    log.write(lines)
    reader = os.open(path, os.O_RDONLY)
    got = b""
    while len(got) < 800_000:
        got += os.read(reader, 65536)
    os.close(reader)
    assert got == b"".join(lines)
    assert log.dropped == 0
