"""Settings of whom releases ask and tell."""

from __future__ import annotations

from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import header_line, hook_secret, hook_url, seconds, service_url, text

RELEASES: tuple[Setting, ...] = (
    Setting(
        key="releases.prometheus",
        flag="--prometheus",
        meta="URL",
        read=service_url,
        help="Prometheus that is asked by releases' query gates.",
    ),
    Setting(
        key="releases.prometheus_headers",
        many=True,
        secret=True,
        read=header_line,
        help="NAME=VALUE for Prometheus, such as Authorization.",
    ),
    Setting(key="releases.query_timeout_seconds", read=seconds, help="For Prometheus to answer."),
    Setting(
        key="releases.webhooks",
        flag="--webhook",
        meta="URL",
        many=True,
        secret=True,
        read=hook_url,
        help="Tell this URL of every step of a release (POST, JSON).",
    ),
    Setting(
        key="releases.webhook_secret",
        secret=True,
        read=hook_secret,
        help="Sign what web hooks are told (Standard Webhooks, HMAC-SHA256).",
    ),
    Setting(key="releases.hook_timeout_seconds", read=seconds, help="For a web hook to answer."),
    Setting(
        key="releases.webhook_deadline_seconds", read=seconds, help="For a web hook to take an event, tries in all."
    ),
    Setting(key="releases.ca", read=text, help="File of CAs for Prometheus and web hooks (default: the system's)."),
)
