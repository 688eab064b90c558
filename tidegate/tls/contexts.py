"""OpenSSL's settings for both sides, as docs/tls.md states them: protocols, ciphers, tickets, client certificates.

A context is made from bytes that were read once, never from a path: what was checked is what serves, whatever has become
of the files meanwhile.
"""

from __future__ import annotations

import os
import ssl

PROTOCOLS = ("http/1.1",)

#: Mozilla's intermediate list without finite-field DH; TLS 1.3 suites are OpenSSL's. Forward secret AEADs all.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
_OP_PRIORITIZE_CHACHA = 0x200000  # for clients that put it first: they have no AES in hardware


def server_context(chain: bytes, key: bytes, authority: bytes = b"", *, required: bool = True) -> ssl.SSLContext:
    """For clients of one certificate. With `authority` (PEM) they are asked for a certificate that it signed, and turned
    away without one if `required`. Ticket keys are the context's own, so a session ends with it and at its hosts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _modern(context)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | _OP_PRIORITIZE_CHACHA
    load_pair(context, chain, key)
    if authority:
        context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def client_context(authority: bytes = b"", *, verify: bool = True) -> ssl.SSLContext:
    """Towards containers: verified by `authority` (PEM), or by the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _modern(context)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority:
        context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def _modern(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(list(PROTOCOLS))


def load_pair(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Give the context these PEM texts, through memory. Raises ssl.SSLError if they do not fit, ValueError if the key
    wants a passphrase."""
    memory = os.memfd_create("tidegate-pair", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(memory), "wb") as file:
            file.write(key + b"\n" + chain + b"\n")
        context.load_cert_chain(f"/proc/self/fd/{memory}", password=_no_passphrase)
    finally:
        os.close(memory)


def _no_passphrase() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("the key is encrypted")
