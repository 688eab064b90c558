"""A certificate authority of one's own, for development: makes itself once, signs certificates for hosts.

Its key stands beside its certificate, so nobody should trust it but the developer who made it. Certificates are as browsers
want them: ECDSA P-256, at most 825 days, names as SANs.
"""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tidegate.value import Value

_AUTHORITY_DAYS = 3650
_DAYS = 397
_EARLIER = timedelta(hours=1)  # clocks of clients may be slow


class Made(Value):
    """Where a certificate and its authority were written; `authority_is_new` if it was made now."""

    certificate: str
    key: str
    authority: str
    authority_is_new: bool


def create(hosts: tuple[str, ...], certs: Path, authority: Path) -> Made:
    """Write NAME.crt and NAME.key, named after the first host, into `certs`. The authority's files are `ca.crt` and `ca.key`
    in `authority`, made if they are not there. Raises OSError, and ValueError for what is no host or no authority."""
    names = [_name(host) for host in hosts]
    certs.mkdir(parents=True, exist_ok=True)
    authority.mkdir(parents=True, exist_ok=True)
    new = not (authority / "ca.crt").exists()
    if new:
        _make_authority(authority)
    signer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    signing = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey), "we made it"
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_called(hosts[0]))
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)  # type: ignore[arg-type]
        .sign(signing, hashes.SHA256())
    )
    stem = hosts[0].replace("*", "_").replace(":", "_")
    _write(certs / f"{stem}.key", _pem(key), 0o600)
    _write(certs / f"{stem}.crt", made.public_bytes(serialization.Encoding.PEM), 0o644)
    return Made(
        certificate=str(certs / f"{stem}.crt"),
        key=str(certs / f"{stem}.key"),
        authority=str(authority / "ca.crt"),
        authority_is_new=new,
    )


def _make_authority(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _called("Tidegate development authority")
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / "ca.key", _pem(key), 0o600)
    _write(folder / "ca.crt", made.public_bytes(serialization.Encoding.PEM), 0o644)


_SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all: a watcher must not see half of it."""
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    fresh.replace(path)
