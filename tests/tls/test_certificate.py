from __future__ import annotations

import hashlib
import ssl

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from tidegate.tls.certificate import Unusable, read_certificate, read_pair


@pytest.fixture(scope="module")
def ca():
    return trustme.CA()


def pems(issued):
    return b"".join(each.bytes() for each in issued.cert_chain_pems), issued.private_key_pem.bytes()


def test_a_pair_says_its_hosts_and_its_days(ca):
    chain, key = pems(ca.issue_cert("A.test", "*.b.test", "127.0.0.1"))
    pair = read_pair("shop", "/c/shop.crt", chain, key)
    certificate = pair.certificate
    assert certificate.names == ("a.test", "*.b.test")
    assert certificate.not_before < certificate.not_after
    assert (
        certificate.fingerprint
        == hashlib.sha256(ssl.PEM_cert_to_DER_cert(chain.split(b"\n\n")[0].decode())).hexdigest()
    )
    assert certificate.valid(certificate.not_before)
    assert not certificate.valid(certificate.not_after)


def refusal(chain, key):
    with pytest.raises(Unusable) as error:
        read_pair("shop", "/c/shop.crt", chain, key)
    return error.value.code, error.value.cause


def test_what_cannot_serve_is_refused_with_its_cause(ca):
    chain, key = pems(ca.issue_cert("a.test"))
    other = pems(ca.issue_cert("b.test"))[1]
    assert refusal(chain, other) == ("T1903", "the key belongs to another certificate")
    assert refusal(b"", key) == ("T1902", "there is no PEM certificate in it")
    assert refusal(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key)[0] == "T1902"
    assert refusal(chain, b"nothing")[0] == "T1903"
    assert refusal(pems(ca.issue_cert("127.0.0.1"))[0], key)[0] == "T1902"
    damaged = chain + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert refusal(damaged, key)[0] == "T1902"


def test_an_encrypted_key_is_refused_without_asking_anybody(ca):
    chain, key = pems(ca.issue_cert("a.test"))
    loaded = serialization.load_pem_private_key(key, None)
    closed = loaded.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
    assert refusal(chain, closed)[0] == "T1903"


def test_an_authority_is_read_without_hosts(ca):
    assert read_certificate(ca.cert_pem.bytes()).names == ()
