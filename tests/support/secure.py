"""TLS for tests: certificates by trustme laid out in folders, and a client that can do what asyncio's cannot (half-close)."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import trustme

from tests.support.client import Client
from tidegate.config import TlsConfig
from tidegate.tls.shelf import Shelf

DEADLINE = 10.0


class House:
    """A certificate authority and the folders that Tidegate is given."""

    def __init__(self, folder):
        self.ca = trustme.CA()
        self.certs = Path(folder, "certs")
        self.authorities = Path(folder, "authorities")
        self.certs.mkdir()
        self.authorities.mkdir()

    def pair(self, name, *hosts, ca=None, **values):
        """Write NAME.crt and NAME.key for these hosts."""
        issued = (ca or self.ca).issue_cert(*(hosts or (name,)), **values)
        self.write(name, b"".join(each.bytes() for each in issued.cert_chain_pems), issued.private_key_pem.bytes())
        return issued

    def write(self, name, chain, key):
        """Both files, each replaced as a whole."""
        replace(self.certs / f"{name}.key", key, 0o600)
        replace(self.certs / f"{name}.crt", chain)

    def authority(self, name, ca):
        """Write a CA file that labels may name."""
        replace(self.authorities / f"{name}.pem", ca.cert_pem.bytes())

    def shelf(self, **values):
        config = {"certificates": (str(self.certs),), "authorities": str(self.authorities), **values}
        return Shelf(TlsConfig(**config))

    def trust(self, ca=None):
        """A client's context that trusts our authority."""
        context = ssl.create_default_context()
        (ca or self.ca).configure_trust(context)
        return context


def replace(path, data, mode=0o644):
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    fresh.chmod(mode)
    fresh.replace(path)


class Reader:
    """Decrypts what the plain reader gives."""

    def __init__(self, plain, pipe):
        self.plain = plain
        self.pipe = pipe

    async def read(self, size=65536):
        while True:
            try:
                return self.pipe.session.read(size)
            except ssl.SSLWantReadError:
                data = await self.plain.read(65536)
                self.pipe.flush()
                if not data:
                    return b""  # without close_notify
                self.pipe.incoming.write(data)
            except ssl.SSLZeroReturnError:
                return b""

    async def readuntil(self, mark):
        data = b""
        while mark not in data:
            part = await self.read(1)
            if not part:
                raise asyncio.IncompleteReadError(data, None)
            data += part
        return data


class Writer:
    """Encrypts what is written; `write_eof` sends close_notify and goes on reading."""

    def __init__(self, plain, pipe):
        self.plain = plain
        self.pipe = pipe
        self.transport = plain.transport

    def write(self, data):
        self.pipe.session.write(data)
        self.pipe.flush()

    async def drain(self):
        await self.plain.drain()

    def write_eof(self):
        with contextlib.suppress(ssl.SSLError):
            self.pipe.session.unwrap()
        self.pipe.flush()

    def close(self):
        self.plain.close()

    def get_extra_info(self, name):
        return self.plain.get_extra_info(name)


class Pipe:
    """One TLS session over memory, on the plain streams of a connection."""

    def __init__(self, plain_writer, context, name, session=None, server=False):
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.plain = plain_writer
        self.session = context.wrap_bio(
            self.incoming, self.outgoing, server_side=server, server_hostname=name, session=session
        )

    def flush(self):
        data = self.outgoing.read()
        if data and not self.plain.is_closing():
            self.plain.write(data)

    async def shake(self, reader):
        async with asyncio.timeout(DEADLINE):
            while True:
                try:
                    self.session.do_handshake()
                except ssl.SSLWantReadError:
                    self.flush()
                    data = await reader.read(65536)
                    if not data:
                        raise ConnectionResetError("closed in the handshake") from None
                    self.incoming.write(data)
                else:
                    self.flush()
                    return


async def open_secure(address, context, name="a.test", session=None):
    """(reader, writer) over TLS; the session object is `writer.pipe.session`. Raises what the handshake raises."""
    reader, writer = await asyncio.open_connection(*address[:2])
    pipe = Pipe(writer, context, name, session)
    try:
        await pipe.shake(reader)
    except BaseException:
        writer.close()
        raise
    return Reader(reader, pipe), Writer(writer, pipe)


async def secure_client(address, context, name="a.test", session=None):
    return Client(*await open_secure(address, context, name, session))
