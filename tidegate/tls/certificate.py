"""One certificate chain with its private key, checked as a whole: what it says of itself, and what is wrong with it.

Certificates are read by the `cryptography` package, which is imported when the first one is: a worker without HTTPS never
pays for it. Whether key and chain fit each other and OpenSSL takes them is OpenSSL's own word (`contexts.load_pair`).
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import Any

from tidegate.tls.contexts import load_pair
from tidegate.value import Value

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*", re.ASCII)
MAX_BYTES = 1 << 20


class Certificate(Value):
    """What the leaf says. `names` are lower-case hosts, exact or `*.suffix`; times are seconds since the epoch."""

    names: tuple[str, ...]
    subject: str
    issuer: str
    not_before: float
    not_after: float
    fingerprint: str  # SHA-256 of the DER, lower-case hex

    def valid(self, now: float) -> bool:
        """Whether clients take it at this time."""
        return self.not_before <= now < self.not_after


class Pair(Value):
    """A chain and its key, as they were read; `origin` is the chain's file. Never shown: `key`."""

    name: str
    origin: str
    certificate: Certificate
    chain: bytes
    key: bytes


class Unusable(Exception):
    """The pair cannot serve: `code` of the problem, and its `cause` and `mend`."""

    def __init__(self, code: str, cause: str, mend: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.mend = mend


def read_pair(name: str, origin: str, chain: bytes, key: bytes) -> Pair:
    """The pair of these PEM texts. Raises Unusable."""
    certificate = read_certificate(chain)
    if not certificate.names:
        raise Unusable("T1902", "the certificate names no host (no DNS name among its SANs)", "issue it for its hosts")
    try:
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), chain, key)
    except (ssl.SSLError, ValueError) as error:
        raise _unfit(error) from None
    return Pair(name=name, origin=origin, certificate=certificate, chain=chain, key=key)


def _unfit(error: Exception) -> Unusable:
    reason = getattr(error, "reason", "") or ""
    if "MISMATCH" in reason:
        return Unusable("T1903", "the key belongs to another certificate", "put the certificate's own key beside it")
    if "DECRYPT" in reason or "PASSWORD" in reason:
        return Unusable("T1903", "the key is encrypted", "store it without a passphrase, readable only by Tidegate")
    if "EE_KEY_TOO_SMALL" in reason or "MD_TOO_WEAK" in reason:
        return Unusable("T1902", "its key or signature is too weak", "issue it with ECDSA P-256 or RSA 2048 at least")
    return Unusable("T1903", f"OpenSSL does not take it: {reason or error}", "see that chain and key are PEM and whole")


def read_certificate(chain: bytes) -> Certificate:
    """The leaf of a PEM chain, every certificate of which must parse. Raises Unusable."""
    from cryptography import x509  # noqa: PLC0415  40 ms and 11 MiB, for those who have certificates

    try:
        found = [x509.load_pem_x509_certificate(block) for block in _BLOCK.findall(chain)]
        leaf = found[0]
        names = _names(x509, leaf)
    except IndexError:
        raise Unusable("T1902", "there is no PEM certificate in it", "write the chain as PEM, leaf first") from None
    except Exception as error:  # noqa: BLE001  whatever a parser raises over foreign bytes, it is one bad certificate
        raise Unusable("T1902", f"it does not parse: {error}", "write the chain as PEM, leaf first") from None
    return Certificate(
        names=names,
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        not_before=leaf.not_valid_before_utc.timestamp(),
        not_after=leaf.not_valid_after_utc.timestamp(),
        fingerprint=fingerprint(_der(leaf)),
    )


def fingerprint(der: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(der).hexdigest()


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  as above

    return bytes(certificate.public_bytes(Encoding.DER))


def _names(x509: Any, leaf: Any) -> tuple[str, ...]:
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()  # a common name is no host name any more (RFC 9525 section 2)
    found = (name.lower().removesuffix(".") for name in alternative.get_values_for_type(x509.DNSName))
    return tuple(dict.fromkeys(name for name in found if _NAME.fullmatch(name)))
