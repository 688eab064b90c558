"""Who we are, over restarts."""

import os
from shutil import copytree

from tidegate.cluster.identity import home, incarnation, memory_bytes, node_id


def test_the_id_stays_with_the_state_folder(tmp_path):
    first = node_id(tmp_path)
    assert len(first) == 32 and node_id(tmp_path) == first
    other = tmp_path / "other"
    other.mkdir()
    assert node_id(other) != first


def test_an_empty_file_is_made_again(tmp_path):
    (tmp_path / "node.id").write_text("")
    assert node_id(tmp_path) == node_id(tmp_path) != ""


def test_the_home_is_the_boot_and_the_folder_itself(tmp_path):
    proc, folder, copy = (tmp_path / name for name in ("proc", "state", "copy"))
    (proc / "sys/kernel/random").mkdir(parents=True)
    (proc / "sys/kernel/random/boot_id").write_text("a-boot\n")
    folder.mkdir()
    copytree(folder, copy)
    first = home(folder, proc)
    assert first == home(folder, proc) == f"a-boot/{folder.stat().st_ino}" != home(copy, proc)
    (proc / "sys/kernel/random/boot_id").write_text("another-boot\n")
    assert home(folder, proc) != first


def test_the_incarnation_is_the_boot_and_the_start_of_the_process(tmp_path):
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("a-boot\n")
    (tmp_path / str(os.getpid())).mkdir()
    fields = " ".join(str(number) for number in range(4, 30))
    (tmp_path / str(os.getpid()) / "stat").write_text(f"1 (a) b) S {fields}\n")
    assert incarnation(tmp_path) == "a-boot/22"
    assert incarnation() == incarnation(), "the same process is the same life"


def test_where_the_system_tells_nothing_each_start_is_another_life(tmp_path):
    assert incarnation(tmp_path) != incarnation(tmp_path)


def test_memory_is_what_the_host_has(tmp_path):
    assert memory_bytes(tmp_path) == 0
    (tmp_path / "meminfo").write_text("MemTotal:       16 kB\nMemFree: 3 kB\n")
    assert memory_bytes(tmp_path) == 16384
