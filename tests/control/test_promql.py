from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from tests.support.asking_gates import asking
from tests.support.hook import listening, never
from tests.support.prometheus import prometheus
from tidegate.config import ReleasesConfig
from tidegate.control.outgoing import Answer, Outgoing
from tidegate.control.promql import Prometheus, filled, read
from tidegate.release.gates import Outcome, QueryGate

PASS, FAIL, INCONCLUSIVE, ERROR = Outcome
SAMPLES = [
    ("errors", '{version="v1"}', 5, 0.001),
    ("errors", '{version="v2",zone="a"}', 5, 0.01),
    ("errors", '{version="v2",zone="b"}', 5, 0.2),
    ("ratio", "", 5, "NaN"),
    ("old", "", 200, 1),
    ("done", "", 65, 100),
    ("done", "", 5, 160),
]


def gate(query, operator="<", limit=0.05, **more):
    return QueryGate(label="q", query=query, operator=operator, limit=limit, **more)


@pytest.fixture
async def outgoing():
    made = Outgoing()
    yield made
    await made.close()


async def ask(outgoing, asked, **config):
    return await Prometheus(outgoing, ReleasesConfig(**config)).ask(asked, asking(asked))


async def test_a_real_prometheus_is_asked(outgoing, tmp_path):
    """One server for all rows: it takes a second to start."""
    rows = [
        (gate('errors{version="$stable"}'), PASS, 'errors{version="v1"} is 0.001; needs < 0.05'),
        (gate('errors{version="$candidate"}'), FAIL, 'errors{version="v2", zone="b"} is 0.2; needs < 0.05'),
        (gate('sum(errors{version="$candidate"})', "<=", 0.5), PASS, "it is 0.21; needs <= 0.5"),
        (gate('scalar(errors{version="v1"})', ">", 0.0), PASS, "it is 0.001; needs > 0"),
        (gate("increase(done[2m]) > bool 0", "==", 1.0), PASS, "it is 1; needs == 1"),
        (gate('errors{version="$stable"} # of the last step'), PASS, 'errors{version="v1"} is 0.001; needs < 0.05'),
        (gate("ratio"), INCONCLUSIVE, "ratio is nan; needs < 0.05"),
        (gate("0 / 0"), INCONCLUSIVE, "it is nan; needs < 0.05"),
        (gate('errors{version="v3"}'), INCONCLUSIVE, "the query found no samples; needs < 0.05"),
        (gate("errors < 0"), INCONCLUSIVE, "the query found no samples; needs < 0.05"),
        (gate("errors[1m]"), ERROR, "the query gives a matrix, not a number per series"),
        (gate('"text"'), ERROR, "the query gives a string, not a number per series"),
        (gate("errors{"), ERROR, None),
        (gate("errors / on(version) errors"), ERROR, None),
    ]
    async with prometheus(tmp_path, SAMPLES) as url:
        for asked, outcome, text in rows:
            verdict = await ask(outgoing, asked, prometheus=url)
            assert (asked.query, verdict.outcome, verdict.text) == (asked.query, outcome, text or verdict.text)
        parse = await ask(outgoing, gate("errors{"), prometheus=url)
        assert parse.text.startswith("bad_data: ")
        many = await ask(outgoing, gate("errors / on(version) errors"), prometheus=url)
        assert many.text.startswith("execution: ")


async def test_a_sample_that_is_older_than_two_scrapes_says_nothing(outgoing, tmp_path):
    async with prometheus(tmp_path, SAMPLES) as url:
        stale = await ask(outgoing, gate("old", "==", 1.0), prometheus=url)
        fresh = await ask(outgoing, gate("old", "==", 1.0, stale_seconds=290.0), prometheus=url)
    assert stale.outcome is INCONCLUSIVE
    assert fresh.outcome is PASS


async def test_a_server_of_the_gates_own_is_asked_without_the_passwords_of_the_other(outgoing):
    answer = (200, b'{"status":"success","data":{"resultType":"scalar","result":[1,"0.01"]}}')
    secret = {"prometheus_headers": ("authorization=Bearer canary",)}
    async with listening(usual=answer) as usual, listening(usual=answer) as own:
        assert (await ask(outgoing, gate("up"), prometheus=f"{usual.url}/sub/", **secret)).outcome is PASS
        assert (await ask(outgoing, gate("up", url=own.url), prometheus=usual.url, **secret)).outcome is PASS
    [first], [second] = usual.said, own.said
    assert first.path == "/sub/api/v1/query"
    assert first.headers["Authorization"] == "Bearer canary"
    assert "canary" not in str(second)
    assert parse_qs(first.body.decode()) == {"query": ["up"], "timeout": ["10s"], "lookback_delta": ["120s"]}


async def test_without_a_server_the_gate_cannot_be_asked(outgoing):
    assert (await ask(outgoing, gate("up"))).text == "no Prometheus is set (releases.prometheus)"


async def test_a_server_that_does_not_answer_is_no_verdict(outgoing):
    async with listening(never) as server:
        verdict = await ask(outgoing, gate("up"), prometheus=server.url, query_timeout_seconds=0.05)
    assert (verdict.outcome, verdict.text) == (ERROR, "no answer within 0.05 s")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(status=502, body=b"<html>bad gateway</html>"), "<html>bad gateway</html> (HTTP 502)"),
        (Answer(status=200, body=b"{}"), "{} (HTTP 200)"),
        (Answer(status=200, body=b'{"status":"success"}'), "error: "),
        (
            Answer(status=200, body=b'{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}'),
            "(HTTP 200)",
        ),
        (
            Answer(status=200, body=b'{"status":"success","data":{"resultType":"scalar","result":[1,"x"]}}'),
            "(HTTP 200)",
        ),
        (Answer(status=503, body=b'{"status":"error","errorType":"timeout","error":"too long"}'), "timeout: too long"),
    ],
)
def test_what_is_no_answer_of_a_prometheus_is_no_verdict(answer, text):
    said = read(answer)
    assert isinstance(said, str)
    assert text in said


def test_names_are_filled_in_so_that_they_stay_within_their_quotes():
    asked = asking(service='a"b\\cé', candidate="v'2", stable="$service")
    query = 'x{s="$service",c="$candidate",o="$stable",n="$servicename"}[$window]'
    assert filled(query, asked) == r'x{s="a\x22b\x5ccé",c="v\x272",o="\x24service",n="$servicename"}[61s]'
