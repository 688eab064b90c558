"""How the text of a setting or of an option becomes its value. Each reader raises ValueError with what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tidegate.cli import address

OFF = ("off", "none", "no")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def text(value: str) -> str:
    """Any text, without blanks around it."""
    return value.strip()


def needed(value: str) -> str:
    """Text that may not be empty."""
    if not value.strip():
        raise ValueError("it may not be empty")
    return value.strip()


def folder(value: str) -> str:
    """A folder's path, without a slash at its end."""
    return needed(value).rstrip("/") or "/"


def boolean(value: str) -> bool:
    """`true` or `false`, and what people write for them."""
    if value.lower() in ("true", "yes", "on", "1"):
        return True
    if value.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError("say true or false")


def one_of(*words: str) -> Callable[[str], str]:
    """One of a few words, in any case."""

    def read(value: str) -> str:
        if value.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return value.lower()

    return read


def size(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`; `64k`, `1m` and `1g` count in 1024."""

    def read(value: str) -> int:
        lower = value.lower()
        factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(lower[-1:], 1)
        digits = lower[:-1] if factor > 1 else lower
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
            raise ValueError("not a whole number")
        if not low <= int(digits) * factor <= high:
            raise ValueError(f"it lies between {low} and {high}")
        return int(digits) * factor

    return read


def seconds(value: str) -> float:
    """A length of time: `30`, `30s`, `1.5m`, `500ms`, `2h`."""
    unit = next((unit for unit in UNITS if value.endswith(unit)), "")
    number = _float(value.removesuffix(unit)) * UNITS.get(unit, 1.0)
    if not 0 < number <= 604800:
        raise ValueError("a time lies above 0 and within a week")
    return number


def seconds_or_off(value: str) -> float:
    """A length of time, or 0 for `off`."""
    return 0.0 if value.lower() in (*OFF, "0") else seconds(value)


def share(value: str) -> float:
    """A share from 0 to 1: `0.01` or `1%`."""
    digits = value.removesuffix("%").strip()
    try:
        number = float(digits) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise ValueError("a share is 0.01 or 1%") from None
    if not 0 <= number <= 1:
        raise ValueError("a share lies between 0 and 1")
    return number


def listener(host: str) -> Callable[[str], Any]:
    """A listening address whose missing host is `host`."""
    return lambda value: address.listener(value, host)


def engine_url(value: str) -> str:
    """`unix:///path`, `/path`, or `tcp://host:port`."""
    if value.startswith("/"):
        value = "unix://" + value
    scheme, mark, rest = value.partition("://")
    if not mark or scheme not in ("unix", "tcp", "http", "https") or not rest.strip("/"):
        raise ValueError("an engine is unix:///path/to/docker.sock or tcp://host:port")
    return value


def store_url(value: str) -> str:
    """Empty for SQLite in the state folder, or `etcd://host:port[,host:port]`."""
    if not value:
        return ""
    from tidegate.store.address import parse  # noqa: PLC0415  only who names a store pays for it

    return parse(value).url()


def without_password(value: str) -> str:
    """A store's URL, fit to be shown."""
    from tidegate.store.address import parse  # noqa: PLC0415  as above

    return str(parse(value)) if value else ""


def access_log(value: str) -> str:
    """A path, `-` for standard output, `off` for none."""
    return "" if value.lower() in OFF else value


def log_format(value: str) -> str:
    """`json`, `common`, `combined`, or a template of fields in braces, which is read here to find its faults."""
    if value.lower() in ("json", "common", "combined"):
        return value.lower()
    from tidegate.router.logformat import template_of  # noqa: PLC0415  only who gives a template pays for its reader

    template_of(value)
    return value


def log_status(value: str) -> str:
    """`404`, `5xx` or `400-499`."""
    from tidegate.router.recorder import statuses  # noqa: PLC0415  as above

    statuses((value,))
    return value


def header_name(value: str) -> str:
    """The name of a header."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ValueError("not the name of a header")
    return value.lower()


def header_line(value: str) -> str:
    """`NAME=VALUE`."""
    name, equals, content = value.partition("=")
    if not equals or not content.isprintable():
        raise ValueError("write NAME=VALUE")
    return f"{header_name(name.strip())}={content.strip()}"


def collector_url(value: str) -> str:
    """`http://host:4318` or `https://...`; empty for none."""
    if value.lower() in ("", *OFF):
        return ""
    from urllib.parse import urlsplit  # noqa: PLC0415  only who gives a URL pays for it

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("a collector is http://host:4318 (OTLP over HTTP) or https://host/path")
    if parts.username or parts.password:
        raise ValueError("a password does not belong into the URL; give it as a header in tracing.headers")
    return value


def service_url(value: str) -> str:
    """`http://host` or `https://host/path`; empty for none."""
    if value.lower() in ("", *OFF):
        return ""
    from urllib.parse import urlsplit  # noqa: PLC0415  only who gives a URL pays for it

    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or not value.isprintable():
        raise ValueError("write http://host or https://host/path")
    return value


def hook_url(value: str) -> str:
    """As `service_url`, and never empty."""
    return needed(service_url(needed(value)))


def hook_secret(value: str) -> str:
    """`whsec_` and base64, or any text."""
    from tidegate.control.signature import key_of  # noqa: PLC0415  as above

    key_of(value.strip())
    return value.strip()


def _float(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("not a length of time such as 30, 30s or 0.5m") from None
