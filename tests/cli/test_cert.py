from __future__ import annotations

import pytest

from tests.support.cli import piped


def test_a_certificate_is_written_and_its_use_is_said(tmp_path):
    made = piped(
        "cert", "create", "Shop.test", "*.shop.test", "--certs", str(tmp_path / "c"), "--ca", str(tmp_path / "a")
    )
    assert made.code == 0
    assert (tmp_path / "c" / "shop.test.crt").exists()
    assert f"tidegate serve --certs {tmp_path}/c" in made.out
    again = piped("cert", "create", "b.test", "--certs", str(tmp_path / "c"), "--ca", str(tmp_path / "a"), "--json")
    assert again.json["data"]["authority_is_new"] is False


@pytest.mark.parametrize("host", ["a_b.test", "a..test", "*", "http://a.test", "a.test/x", ""])
def test_what_is_no_host_is_refused_before_anything_is_written(tmp_path, host):
    refused = piped("cert", "create", "a.test", host, "--certs", str(tmp_path / "c"), "--ca", str(tmp_path / "a"))
    assert refused.code == 2
    assert "T1911" in refused.err
    assert not (tmp_path / "c").exists()


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    refused = piped("cert", "create", "a.test", "--certs", str(tmp_path / "file"), "--ca", str(tmp_path / "a"))
    assert refused.code == 2
    assert "T1912" in refused.err
