from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.cli import FakeAdmin, on_terminal, piped, plain
from tests.support.load import Load
from tests.support.origin import ok, serving
from tests.support.serve import running

BOUNDS = [0.001, 0.01, 0.1]


def row(version, requests, errors=0, **more):
    return {
        "kind": "service",
        "service": "shop/web",
        "version": version,
        "requests": requests,
        "statuses": {"2xx": requests - errors, "5xx": errors},
        "duration_buckets": [requests, 0, 0, 0],
        "in_flight": 1,
        "weight": 90,
        "state": "2/2",
        **more,
    }


class Looks(dict):
    """Answers of the API that grow from one look to the next."""

    def get(self, key, default=None):
        if key != "GET /v1/traffic":
            return default
        number = self["looks"] = super().get("looks", -1) + 1
        rows = [row("v1", 100 * number), row("v2", 10 * number, errors=number, weight=10)]
        return {"at": 2.0 * number, "bounds_seconds": BOUNDS, "rows": rows}


@pytest.fixture
def fake():
    with FakeAdmin({}) as fake:
        fake.answers = Looks()
        yield fake


def test_one_look_in_a_pipe_is_a_table(fake):
    done = piped("top", "--once", "-i", "0.2", TIDEGATE_ADMIN=fake.address)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "SERVICE\tVERSION\tREQ/S\tERR %\tP50 MS\tP95 MS\tP99 MS\tFLIGHT\tWEIGHT\tSTATE",
        "shop/web\tv1\t50.0\t0.0\t0.5\t0.9\t1.0\t1\t90\t2/2",
        "shop/web\tv2\t5.0\t10.0\t0.5\t0.9\t1.0\t1\t10\t2/2",
    ]
    assert fake.asked[0].query == {"kind": "service", "resting": "true"}


def test_a_pipe_gets_lines_with_their_time(fake):
    done = piped("top", "-c", "2", "-i", "0.2", "v2", TIDEGATE_ADMIN=fake.address)
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert lines[0][:3] == ["TIME", "SERVICE", "VERSION"]
    assert [line[2:4] for line in lines[1:]] == [["v2", "5.0"], ["v2", "5.0"]]


def test_json_is_one_object_a_look(fake):
    done = piped("top", "--json", "-c", "2", "-i", "0.2", "-n", "1", TIDEGATE_ADMIN=fake.address)
    looks = [json.loads(line) for line in done.out.splitlines()]
    assert [[each["name"] for each in look["rows"]] for look in looks] == [["shop/web v1"], ["shop/web v1"]]
    assert looks[0]["rows"][0]["per_second"] == 50.0


def test_json_of_one_look_is_like_that_of_other_verbs(fake):
    found = piped("top", "--json", "--once", "-i", "0.2", "--sort", "errors", TIDEGATE_ADMIN=fake.address).json
    assert found["schema"] == "tidegate.top/1"
    assert [each["name"] for each in found["data"]] == ["shop/web v2", "shop/web v1"]


def test_a_terminal_gets_a_table_of_its_width(fake):
    done = on_terminal("top", "-c", "2", "-i", "0.2", "--by", "service", TIDEGATE_ADMIN=fake.address)
    assert done.code == 0
    lines = plain(done.out).splitlines()
    assert any(line.startswith("shop/web") and "55.0" in line for line in lines)
    assert any("55.0 requests/s" in line for line in lines)
    assert max(len(line) for line in lines) <= 100


@pytest.mark.parametrize("arguments", [("--by", "nothing"), ("--sort", "x"), ("-i", "0.01"), ("-i", "soon")])
def test_what_cannot_be_shown_is_refused(fake, arguments):
    done = piped("top", "--once", *arguments, TIDEGATE_ADMIN=fake.address)
    assert done.code == 2
    assert not fake.asked


def test_nobody_to_ask_is_told_as_elsewhere():
    done = piped("top", "--once", TIDEGATE_ADMIN="127.0.0.1:1")
    assert "T1704" in done.err


STATIC = """
services:
  web/v1: {{version: v1, endpoints: ["{one}"]}}
routes:
  - {{host: a.test, backends: {{web/v1: 100}}}}
"""


async def answers(peer):
    while (await peer.request()) is not None:
        await peer.send(ok(b"x" * 100))


async def test_it_shows_the_rate_of_a_real_load_by_every_kind(tmp_path):
    async with serving(answers) as server:
        file = tmp_path / "static.yaml"
        file.write_text(STATIC.format(one="{}:{}".format(*server.address)))
        async with running(tmp_path, "--file", str(file), workers=2) as tidegate:
            await tidegate.answers("a.test")
            async with Load(tidegate.http, "a.test", rate=100):
                looks = await asyncio.gather(
                    *(
                        tidegate.cli("top", "--once", "--json", "-i", "4s", "--by", by)
                        for by in ("route", "version", "endpoint")
                    )
                )
    for look in looks:
        (found,) = look.json["data"]
        assert 50 <= found["per_second"] <= 150
        assert found["errors_percent"] == 0
        assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert looks[0].json["data"][0]["name"] == "a.test/"
    assert looks[1].json["data"][0]["state"] == "1/1"
    assert looks[2].json["data"][0]["state"] == "healthy"
