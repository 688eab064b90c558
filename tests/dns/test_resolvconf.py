from __future__ import annotations

from tidegate.dns.resolvconf import MAX_NAMESERVERS, Watch, parse

TEXT = "# x\nnameserver 127.0.0.11\nsearch a\nnameserver 10.0.0.2\nsearch Corp.Example. .\noptions ndots:0\nnameserver\nnameserver x\n"


def test_nameservers_and_the_last_search_line_are_read():
    found = parse(TEXT)
    assert [server.host for server in found.nameservers] == ["127.0.0.11", "10.0.0.2"]
    assert found.search == ("corp.example",)


def test_only_so_many_nameservers_are_taken():
    assert len(parse("nameserver 10.0.0.1\n" * 50).nameservers) == MAX_NAMESERVERS


def test_the_file_is_read_when_it_has_changed(tmp_path):
    file = tmp_path / "resolv.conf"
    watch = Watch(file)
    assert watch.changed() is None
    file.write_text("nameserver 10.0.0.1\n")
    assert watch.changed().nameservers[0].host == "10.0.0.1"
    assert watch.changed() is None
    file.write_text("nameserver 10.0.0.20\n")
    assert watch.changed().nameservers[0].host == "10.0.0.20"
    file.unlink()
    assert watch.changed() is None


def test_odd_octets_are_no_fault(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"\xff\xfe\nnameserver 10.0.0.1\n")
    assert len(Watch(file).changed().nameservers) == 1
