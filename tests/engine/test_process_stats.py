import os

from tidegate.engine.process_stats import session_stats


def entry(proc, pid, session, name="sh", io=""):
    folder = proc / str(pid)
    folder.mkdir()
    # Fields 3 to 24 of proc(5): state ppid pgrp session ... utime stime cutime cstime (14-17) ... rss (24)
    fields = ["S", "1", str(session), str(session), *["0"] * 7, "10", "20", "30", "40", *["0"] * 6, "5"]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    if io:
        (folder / "io").write_text(io)


def test_all_processes_of_the_session_are_summed(tmp_path):
    entry(tmp_path, 10, 10, io="rchar: 9\nread_bytes: 100\nwrite_bytes: 7\n")
    entry(tmp_path, 11, 10, name="a b) c", io="read_bytes: 1\nwrite_bytes: 1\n")
    entry(tmp_path, 12, 99)
    (tmp_path / "self").mkdir()
    stats = session_stats(10, at=5.0, proc=tmp_path)
    assert stats.at == 5.0
    assert stats.cpu_seconds == 200 / os.sysconf("SC_CLK_TCK")
    assert stats.memory_bytes == 10 * os.sysconf("SC_PAGE_SIZE")
    assert (stats.block_read_bytes, stats.block_written_bytes) == (101, 8)


def test_a_process_that_ends_meanwhile_is_left_out(tmp_path):
    (tmp_path / "10").mkdir()
    assert session_stats(10, at=5.0, proc=tmp_path).cpu_seconds == 0.0
