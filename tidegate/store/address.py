"""Where a cluster store is: `etcd://[user[:password]@]host:port[,host:port...][/prefix][?ca=...&cert=...&key=...]`. Pure.

User and password are percent-encoded, as in any URL. `ca` is a file of authorities, or `system` for those of the system;
with it, or with `cert` and `key`, members are spoken to over TLS. `password-file` names a file, so that no password stands
in a list of processes.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote

from tidegate.value import Value

SCHEME = "etcd://"
PORT = 2379
SYSTEM = "system"
_PARAMETERS = {"ca": "ca", "cert": "cert", "key": "key", "password-file": "password_file"}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._-]+)+")


class EtcdAddress(Value):
    """Members as host:port, and how to speak to them. `prefix` is the folder of ours among the keys there."""

    members: tuple[str, ...]
    prefix: str = "/tidegate"
    user: str = ""
    password: str = ""
    password_file: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""

    @property
    def scheme(self) -> str:
        """What members speak: http or https."""
        return "https" if self.ca or self.cert else "http"

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the members answer, in the order given."""
        return tuple(f"{self.scheme}://{member}" for member in self.members)

    def __str__(self) -> str:
        """The address without its password: fit to be shown."""
        return self.url(shown=True)

    def url(self, *, shown: bool = False) -> str:
        """The address as it is written; `shown` strikes out the password."""
        password = ":***" if shown else f":{quote(self.password, safe='')}"
        who = quote(self.user, safe="") + (password if self.password else "") + "@" if self.user else ""
        values = [(name, getattr(self, field)) for name, field in _PARAMETERS.items()]
        query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in values if value)
        return f"{SCHEME}{who}{','.join(self.members)}{self.prefix}" + (f"?{query}" if query else "")


def parse(url: str) -> EtcdAddress:
    """The address a URL names. Raises ValueError in words for an operator."""
    if not url.startswith(SCHEME):
        raise ValueError("a store is etcd://host:port[,host:port], or empty for SQLite in the state folder")
    rest, _, query = url.removeprefix(SCHEME).partition("?")
    who, _, where = rest.rpartition("@")
    hosts, slash, path = where.partition("/")
    user, _, password = who.partition(":")
    prefix = (slash + path).rstrip("/") or "/tidegate"
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("the path is a folder of the store, such as /tidegate")
    given = _parameters(query)
    if bool(given.get("cert")) != bool(given.get("key")):
        raise ValueError("cert and key belong together")
    if password and given.get("password_file"):
        raise ValueError("the password stands in the URL or in a file, not in both")
    if (password or given.get("password_file")) and not user:
        raise ValueError("a password needs a user before it")
    members = tuple(dict.fromkeys(_member(host) for host in hosts.split(",")))
    return EtcdAddress(members=members, prefix=prefix, user=unquote(user), password=unquote(password), **given)


def _member(host: str) -> str:
    """host:port, the port added where it is not given."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, str(PORT)
    if not _HOST.fullmatch(name) or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{host!r} is no host:port of a member")
    return f"{name}:{port}"


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    wrong = [name for name, value in pairs if name not in _PARAMETERS or not value]
    if wrong or len(dict(pairs)) != len(pairs):
        raise ValueError(f"after the question mark stand {', '.join(_PARAMETERS)}, each once and with a value")
    return {_PARAMETERS[name]: value for name, value in pairs}
