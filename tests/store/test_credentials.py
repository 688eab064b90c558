"""Files are exchanged under a program that runs."""

from __future__ import annotations

import pytest
import trustme

from tidegate.errors import StoreError
from tidegate.store.address import parse
from tidegate.store.credentials import Credentials


@pytest.fixture
def pair(tmp_path):
    """Puts a new certificate and its key, or one of them, where the address names them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca"))

    def put(*names):
        made = authority.issue_cert("mesh@example.test")
        blobs = {"crt": made.cert_chain_pems[0], "key": made.private_key_pem}
        for name in names or blobs:
            blobs[name].write_to_path(str(tmp_path / name))

    put()
    return put


def address(folder):
    return parse(f"etcd://a?ca={folder}/ca&cert={folder}/crt&key={folder}/key")


@pytest.mark.parametrize("query", ["ca=/nowhere", "ca=system&cert=/nowhere&key=/nowhere", "password-file=/nowhere"])
def test_a_file_that_cannot_be_read_is_named(query):
    user = "me@" if "password" in query else ""
    with pytest.raises(StoreError) as error:
        Credentials(parse(f"etcd://{user}a?{query}")).load()
    assert error.value.problems[0].code == "T1522"


def test_a_password_may_come_from_a_file_and_change_there(tmp_path):
    (tmp_path / "p").write_text("secret\n")
    credentials = Credentials(parse(f"etcd://me@a?password-file={tmp_path}/p"))
    credentials.load()
    assert (credentials.password, credentials.tls, credentials.changeable) == ("secret", None, True)
    (tmp_path / "p").write_text("another one\n")
    credentials.renew()
    assert credentials.password == "another one"


def test_what_the_address_says_itself_does_not_change():
    credentials = Credentials(parse("etcd://me:secret@a"))
    credentials.load()
    assert (credentials.password, credentials.changeable) == ("secret", False)


def test_an_exchange_that_is_half_done_changes_nothing_and_is_told_once(tmp_path, pair, caplog):
    credentials = Credentials(address(tmp_path))
    credentials.load()
    context = credentials.tls
    pair("crt")
    for _ in range(3):
        credentials.renew()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    pair()
    credentials.renew()
    assert credentials.tls is context
    assert len(caplog.records) == 1


def test_a_file_that_went_leaves_what_was_read(tmp_path, pair, caplog):
    (tmp_path / "p").write_text("secret")
    credentials = Credentials(parse(f"etcd://me@a?password-file={tmp_path}/p"))
    credentials.load()
    (tmp_path / "p").unlink()
    credentials.renew()
    assert credentials.password == "secret"
    assert "T1522" in caplog.text
