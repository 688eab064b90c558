"""Settings of the engines that are followed."""

from __future__ import annotations

from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import boolean, engine_url, needed, seconds, text

DOCKER: tuple[Setting, ...] = (
    Setting(
        key="docker.urls",
        flag="--docker",
        meta="URL",
        many=True,
        read=engine_url,
        help="Docker Engine to follow (default: $DOCKER_HOST, else the usual socket).",
    ),
    Setting(
        key="docker.tls_folder",
        flag="--docker-tls",
        meta="FOLDER",
        read=text,
        help="Where ca.pem, cert.pem and key.pem for tcp:// engines are.",
    ),
    Setting(key="docker.api_version", read=text, help="Docker API version to speak (default: newest of both sides)."),
    Setting(
        key="docker.registry_config",
        flag="--registry-config",
        meta="FILE|off",
        read=text,
        help="Docker's config.json with the logins to registries of images (default: $DOCKER_CONFIG, else ~/.docker).",
    ),
    Setting(key="docker.root_domain", read=needed, help="What a one-word host of a label is completed with."),
    Setting(key="docker.resync_seconds", read=seconds, help="Between full lists of an engine."),
    Setting(key="docker.required", read=boolean, help="Wait for the engines before the first table?"),
)
