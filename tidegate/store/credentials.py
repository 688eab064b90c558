"""What a cluster store knows us by: the password and the TLS context that an address names, read again where their files were exchanged.

Certificates live for weeks and the program for longer, so connections that are made later show the certificate that is there then. An
authority that is taken out of its file is believed until the program starts anew.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from tidegate.errors import StoreError
from tidegate.store import faults
from tidegate.store.address import SYSTEM, EtcdAddress
from tidegate.telemetry import logger

Print = tuple[tuple[str, int, int, int], ...]


class Credentials:
    """Of one address; nothing is known before `load`. Both methods read files: not for the event loop's thread."""

    def __init__(self, address: EtcdAddress) -> None:
        self.password = address.password
        self.tls: ssl.SSLContext | None = None  # the same one for good; None where members are spoken to in clear
        self._address = address
        self._print: Print = ()  # of the files as last read
        self._fault = ""  # why they could not be read again, as said last

    @property
    def changeable(self) -> bool:
        """Whether there is a file that may be exchanged."""
        return bool(_files(self._address))

    def load(self) -> None:
        """Read all. Raises StoreError (T1522) for a file that cannot be used."""
        try:
            self._read()
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise StoreError(faults.unusable(self._address, error)) from error

    def renew(self) -> None:
        """Read again what changed. While that cannot be used, as between the exchange of a certificate and of its key, what was read
        before stays."""
        try:
            if _print(self._address) == self._print:
                return
            self._read()
        except (OSError, ValueError) as error:
            if str(error) != self._fault:
                logger("store").error("%s", faults.unusable(self._address, error))
            self._fault = str(error)
        else:
            self._fault = ""
            logger("store").info("the files for speaking to the store were read again")

    def _read(self) -> None:
        address, seen = self._address, _print(self._address)
        if address.password_file:
            self.password = Path(address.password_file).read_text(encoding="utf-8").strip()
        if address.scheme == "https":
            fresh = _context(address)  # as a whole first: a context that took half of it would have lost the other half
            if self.tls is None:
                self.tls = fresh
            else:
                _fill(self.tls, address)
        self._print = seen


def _context(address: EtcdAddress) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.ca if address.ca not in {"", SYSTEM} else None)
    if address.cert:
        context.load_cert_chain(address.cert, address.key)
    return context


def _fill(context: ssl.SSLContext, address: EtcdAddress) -> None:
    if address.ca not in {"", SYSTEM}:
        context.load_verify_locations(address.ca)
    if address.cert:
        context.load_cert_chain(address.cert, address.key)


def _files(address: EtcdAddress) -> tuple[str, ...]:
    named = (address.ca if address.ca != SYSTEM else "", address.cert, address.key, address.password_file)
    return tuple(filter(None, named))


def _print(address: EtcdAddress) -> Print:
    """What tells one content of the files from another."""
    found = ((name, Path(name).stat()) for name in _files(address))
    return tuple((name, each.st_ino, each.st_size, each.st_mtime_ns) for name, each in found)
