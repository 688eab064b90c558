"""Settings of HTTPS: certificates, authorities, handshakes."""

from __future__ import annotations

from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import folder, size, text

TLS: tuple[Setting, ...] = (
    Setting(
        key="tls.certificates",
        flag="--certs",
        meta="DIR",
        many=True,
        read=folder,
        help="Folder of certificates with their keys; watched for changes.",
    ),
    Setting(
        key="tls.default",
        flag="--default-cert",
        meta="NAME",
        read=text,
        help="Certificate for clients that name no host of ours (default: they are turned away).",
    ),
    Setting(
        key="tls.authorities",
        flag="--authorities",
        meta="DIR",
        read=folder,
        help="Folder of CA files, for client certificates and for HTTPS containers; watched for changes.",
    ),
    Setting(
        key="tls.max_handshakes",
        flag="--max-handshakes",
        meta="N",
        read=size(1, 1_000_000),
        help="TLS handshakes in progress, per worker (default 1000).",
    ),
)
