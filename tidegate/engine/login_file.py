"""Docker's `config.json` as far as it says how to log in to registries (pure): logins themselves, or the program that knows them.

What is read here are secrets: no value shows them in its `repr`, and no message holds what the file says.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tidegate.value import Value

HUB = "docker.io"
HUB_ADDRESS = "https://index.docker.io/v1/"  # what Docker Hub is called in logins
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")


class Login(Value):
    """One of: name and password; `identity`, a token that the engine changes into others; `token`, which goes to the registry
    as it is."""

    name: str = ""
    password: str = ""
    identity: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return "Login()"


class Helper(Value):
    """The program `docker-credential-NAME` knows the login for `address`."""

    name: str
    address: str


class _Entry(Struct, rename="lower"):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


class _File(Struct):
    auths: dict[str, _Entry] = {}
    creds_store: str = msgspec.field(default="", name="credsStore")
    cred_helpers: dict[str, str] = msgspec.field(default_factory=dict, name="credHelpers")


def login_for(content: bytes, registry: str) -> Login | Helper | None:
    """What the file says of `registry`, a host with its port where it has one: as Docker's own command reads it, a helper of
    this registry goes before the one of all, and that before what is written here. Raises ValueError for what is no such file,
    without its words."""
    try:
        file = msgspec.json.decode(content, type=_File)
    except msgspec.DecodeError:
        raise ValueError("it is not JSON in the form of Docker's config.json") from None
    address = HUB_ADDRESS if registry == HUB else registry
    helper = _found(file.cred_helpers, registry)
    if helper or file.creds_store:
        return Helper(name=helper or file.creds_store, address=address)
    entry = _found(file.auths, registry)
    return None if entry is None else _read(entry)


def header(login: Login, registry: str) -> str:
    """The value of `X-Registry-Auth`: base64 in its alphabet for URLs, of JSON."""
    said = {
        "username": login.name,
        "password": login.password,
        "identitytoken": login.identity,
        "registrytoken": login.token,
        "serveraddress": HUB_ADDRESS if registry == HUB else registry,
    }
    return base64.urlsafe_b64encode(msgspec.json.encode({name: text for name, text in said.items() if text})).decode()


def _found(entries: Mapping[str, Any], registry: str) -> Any:
    """By the very name, else by the host in it: people and programs write both, with and without scheme and path."""
    return entries.get(registry) or next((entry for key, entry in entries.items() if _host(key) == registry), None)


def _host(key: str) -> str:
    host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in _HUB_NAMES else host


def _read(entry: _Entry) -> Login | None:
    if entry.identitytoken or entry.registrytoken:
        return Login(identity=entry.identitytoken, token=entry.registrytoken)
    if not entry.auth:
        return Login(name=entry.username, password=entry.password) if entry.username else None
    try:
        name, colon, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("a login in it is not the base64 of NAME:PASSWORD") from None
    if not colon:
        raise ValueError("a login in it is not the base64 of NAME:PASSWORD")
    return Login(name=name, password=password.strip("\0"))
