"""Settings of the admin API."""

from __future__ import annotations

from tidegate.cli import address
from tidegate.cli.catalogue.row import Setting
from tidegate.cli.reading import listener, text

ADMIN: tuple[Setting, ...] = (
    Setting(
        key="admin.listeners",
        flag="--admin",
        meta="ADDR:PORT",
        many=True,
        read=listener(address.LOOPBACK),
        help="Listen here for the admin API.",
    ),
    Setting(
        key="admin.token",
        flag="--token",
        meta="TOKEN",
        secret=True,
        read=text,
        help="What callers of the admin API must present.",
    ),
)
