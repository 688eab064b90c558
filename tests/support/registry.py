"""A registry of images on loopback, which engines take without TLS, with images made for the test.

`stall` holds a layer back after its first half until it is set. Only reading is spoken: a manifest by tag or digest, blobs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import json
import tarfile

from aiohttp import web

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class Registry:
    """`host` is what image names begin with. `user` and `password`, where given, are asked for."""

    def __init__(self, user="", password=""):
        self.host = ""
        self.stall = asyncio.Event()
        self.stall.set()
        self.asked = []
        self._login = (user, password) if user else None
        self._blobs = {}
        self._manifests = {}

    def put(self, repository, tag, *, layers=(b"one", b"two"), below=(), **config):
        """Offer an image with a file in each layer, on layers `below` that are archives; gives its full name."""
        tars = [*below, *(_tar(f"file{number}", content) for number, content in enumerate(layers))]
        image = {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [_digest(tar) for tar in tars]},
            "history": [],
        }
        packed = [gzip.compress(tar, mtime=0) for tar in tars]
        settings = json.dumps(image).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, settings),
            "layers": [self._blob(LAYER, blob) for blob in packed],
        }
        body = json.dumps(manifest).encode()
        self._manifests[repository, tag] = self._manifests[repository, _digest(body)] = body
        return f"{self.host}/{repository}:{tag}"

    def _blob(self, kind, content):
        self._blobs[_digest(content)] = content
        return {"mediaType": kind, "size": len(content), "digest": _digest(content)}

    async def answer(self, request):
        self.asked.append(request.path)
        if self._login and not self._known(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="test"'})
        parts = request.path.strip("/").split("/")
        if parts == ["v2"]:
            return web.json_response({})
        repository, kind, wanted = "/".join(parts[1:-2]), parts[-2], parts[-1]
        if kind == "manifests" and (body := self._manifests.get((repository, wanted))):
            return web.Response(body=body, headers={"Content-Type": MANIFEST, "Docker-Content-Digest": _digest(body)})
        if kind == "blobs" and wanted in self._blobs:
            return await self._send(request, self._blobs[wanted])
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}, status=404)

    def _known(self, request):
        header = request.headers.get("Authorization", "")
        if not header.startswith("Basic "):
            return False
        from aiohttp import BasicAuth  # noqa: PLC0415  only where a login is asked for

        given = BasicAuth.decode(header)
        return (given.login, given.password) == self._login

    async def _send(self, request, content):
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        if request.method == "GET":
            await response.write(content[: len(content) // 2])
            await self.stall.wait()
            await response.write(content[len(content) // 2 :])
        return response


@contextlib.asynccontextmanager
async def registry(**login):
    """A registry that listens."""
    made = Registry(**login)
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.host = f"127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        made.stall.set()
        await runner.cleanup()


def _digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _tar(name, content):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
