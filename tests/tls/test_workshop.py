from __future__ import annotations

import ssl

import pytest

from tests.support.router import route, running, until
from tests.support.secure import secure_client
from tidegate.config import TlsConfig
from tidegate.tls.certificate import read_pair
from tidegate.tls.shelf import Shelf
from tidegate.tls.workshop import create


def test_a_certificate_fits_its_key_and_names_its_hosts(tmp_path):
    made = create(("a.test", "*.a.test", "127.0.0.1"), tmp_path / "certs", tmp_path / "ca")
    chain, key = (open(path, "rb").read() for path in (made.certificate, made.key))  # noqa: PTH123, SIM115
    pair = read_pair("a", made.certificate, chain, key)
    assert pair.certificate.names == ("a.test", "*.a.test")
    assert pair.certificate.issuer == "CN=Tidegate development authority"
    assert made.authority_is_new


def test_the_authority_is_made_once_and_keys_are_nobody_elses(tmp_path):
    first = create(("a.test",), tmp_path / "certs", tmp_path / "ca")
    authority = (tmp_path / "ca" / "ca.crt").read_bytes()
    second = create(("*.b.test",), tmp_path / "certs", tmp_path / "ca")
    assert (tmp_path / "ca" / "ca.crt").read_bytes() == authority
    assert not second.authority_is_new
    assert second.certificate.endswith("/_.b.test.crt")
    for key in (first.key, second.key, tmp_path / "ca" / "ca.key"):
        assert (tmp_path / key).stat().st_mode & 0o777 == 0o600


def test_a_damaged_authority_is_an_error(tmp_path):
    create(("a.test",), tmp_path / "certs", tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").write_text("broken")
    with pytest.raises(ValueError, match=r"\w"):
        create(("b.test",), tmp_path / "certs", tmp_path / "ca")


async def test_who_trusts_the_authority_trusts_what_is_served(tmp_path):
    made = create(("a.test",), tmp_path / "certs", tmp_path / "ca")
    shelf = Shelf(TlsConfig(certificates=(str(tmp_path / "certs"),)))
    async with running(tls={"shelf": shelf}, routes=[route()]) as mesh:
        context = ssl.create_default_context(cafile=made.authority)
        client = await secure_client(mesh.secure_address, context)
        client.close()
        await until(lambda: mesh.router.front.shaken == 1)
