from __future__ import annotations

import ssl

import pytest
import trustme

from tidegate.tls.contexts import CIPHERS, client_context, load_pair, server_context


@pytest.fixture(scope="module")
def pair():
    issued = trustme.CA().issue_cert("a.test")
    return b"".join(each.bytes() for each in issued.cert_chain_pems), issued.private_key_pem.bytes()


def test_servers_speak_what_is_modern_and_nothing_else(pair):
    context = server_context(*pair)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    for option in (ssl.OP_NO_COMPRESSION, ssl.OP_NO_RENEGOTIATION, ssl.OP_CIPHER_SERVER_PREFERENCE):
        assert context.options & option
    names = {each["name"] for each in context.get_ciphers()}
    assert {name for name in names if not name.startswith("TLS_")} == set(CIPHERS.split(":"))
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(("required", "mode"), [(True, ssl.CERT_REQUIRED), (False, ssl.CERT_OPTIONAL)])
def test_an_authority_makes_servers_ask_for_certificates(pair, required, mode):
    context = server_context(*pair, trustme.CA().cert_pem.bytes(), required=required)
    assert context.verify_mode is mode
    assert len(context.get_ca_certs()) == 1


def test_clients_verify_by_the_authority_they_are_given_or_the_systems():
    own = client_context(trustme.CA().cert_pem.bytes())
    assert (own.verify_mode, own.check_hostname, len(own.get_ca_certs())) == (ssl.CERT_REQUIRED, True, 1)
    system = client_context()
    assert (system.verify_mode, system.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert client_context(verify=False).verify_mode is ssl.CERT_NONE


def test_an_authority_that_is_none_is_an_error(pair):
    with pytest.raises(ssl.SSLError):
        client_context(b"nothing")


def test_a_pair_is_loaded_from_memory_and_a_wrong_key_refused(pair):
    chain, key = pair
    load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), chain, key)
    with pytest.raises(ssl.SSLError):
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), chain, trustme.CA().private_key_pem.bytes())
