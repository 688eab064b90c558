from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from tidegate.discovery.schema import file_schema
from tidegate.discovery.statics import read_statics
from tidegate.yamlfile import load

GOOD = """
services:
  web@v2: {endpoints: ["127.0.0.1:9003"], release: {canary: [5, 25], confirm: true, gate: {success: 99%}, preview.header: x=1}}
  web@v1: {endpoints: ["127.0.0.1:9001", {address: "127.0.0.1:9002", weight: 2}], probe: {path: /ready, interval_seconds: 2}}
routes:
  - {host: a.test, path: /, backends: {web@v1: 90}, match: {header: {X-Beta: 1}}, retry.tries: 2}
  - {host: b.test, backends: {web: 1}, filter: {compress: true, allow: [10.0.0.0/8]}, page: {503: later}}
defaults: {timeout: {connect_seconds: 1}}
dns: {domain: mesh.internal}
"""


def test_the_schema_is_one():
    Draft202012Validator.check_schema(file_schema())


def as_json(data):
    """JSON has only texts as keys."""
    if isinstance(data, dict):
        return {str(key): as_json(value) for key, value in data.items()}
    return [as_json(each) for each in data] if isinstance(data, list) else data


def test_what_is_read_without_a_problem_is_valid():
    document = load(GOOD, "f.yaml")
    assert read_statics(document, "file").problems == ()
    Draft202012Validator(file_schema()).validate(as_json(document.data))


@pytest.mark.parametrize(
    "text",
    [
        "route: []",
        "routes: [{host: a.test}]",
        "routes: [{host: a.test, backends: {web: 1}, retries: {tries: 1}}]",
        "services: {web: {endpoints: []}}",
        "defaults: {match: {method: GET}}",
        'services: {web: {endpoints: ["127.0.0.1:9001"], release: {cannary: 5}}}',
    ],
)
def test_what_is_told_when_it_is_read_is_invalid_too(text):
    document = load(text, "f.yaml")
    assert read_statics(document, "file").problems
    assert not Draft202012Validator(file_schema()).is_valid(as_json(document.data))
