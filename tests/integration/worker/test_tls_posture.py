"""testssl.sh, the common judge of TLS servers, run offline against a router: no finding of medium severity or worse."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from tests.support.origin import ok, saying, serving
from tests.support.router import route, running
from tests.support.secure import House
from tidegate.policy import TlsPolicy

SEVERE = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
SECONDS = 900.0

#: What a certificate made for one test, and an application of one word, cannot have. None of these speaks of the server.
NOT_OURS = {
    "cert_revocation",
    "cert_chain_of_trust",
    "cert_crlDistributionPoints",
    "cert_expirationStatus",
    "cert_validityPeriod",
    "cert_extlifeSpan",
    "cert_trust",
    "DNS_CAArecord",
    "OCSP_stapling",
    "security_headers",  # of the application behind us: frames, content types and the like
}


@pytest.mark.slow
async def test_the_judge_finds_nothing_of_medium_severity_or_worse(tmp_path):
    assert shutil.which("testssl"), "scripts/packages test brings it"
    house = House(tmp_path)
    house.pair("a.test")
    found = tmp_path / "found.json"
    routes = [route(tls=TlsPolicy(hsts_seconds=63072000, hsts_subdomains=True))]
    async with serving(saying(ok())) as origin, running(origin, tls={"shelf": house.shelf()}, routes=routes) as mesh:
        process = await asyncio.create_subprocess_exec(
            *("testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--ip", "127.0.0.1"),
            *("-p", "-s", "-f", "-P", "-S", "-h", "-U", "--jsonfile", str(found)),
            f"a.test:{mesh.secure_address[1]}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    findings = {each["id"]: each for each in json.loads(found.read_text())}
    assert {"TLS1_2", "TLS1_3", "heartbleed", "HSTS_time"} <= set(findings), said.decode()[-2000:]
    severe = {
        name: each["finding"] for name, each in findings.items() if each["severity"] in SEVERE and name not in NOT_OURS
    }
    assert not severe
