from __future__ import annotations

import json

from hypothesis import given
from jsonschema import Draft202012Validator

from tests.support.policies import policies
from tidegate.settings.policies import settings_of
from tidegate.settings.schema import conditions_schema, settings_schema

PROPERTIES, DOTTED = settings_schema()
SCHEMA = Draft202012Validator(
    {"type": "object", "properties": PROPERTIES, "patternProperties": DOTTED, "additionalProperties": False}
)


def nested(settings):
    found = {}
    for name, value in settings.items():
        way = name.split(".", 4 if name.startswith("filter.header.") and ".remove" not in name else 3)
        node = found
        for step in way[:-1]:
            inner = node.setdefault(step, {})
            node = inner if isinstance(inner, dict) else node
        node[way[-1]] = _plain(value)
    return found


def _plain(value):
    """As YAML would read it."""
    try:
        return json.loads(value)
    except ValueError:
        return value


@given(policies())
def test_every_policy_written_in_a_file_is_valid_nested_and_dotted(policy):
    settings = settings_of(policy)
    SCHEMA.validate(nested(settings))
    SCHEMA.validate({name: _plain(value) for name, value in settings.items() if "." in name})


def test_what_is_wrong_is_invalid():
    for wrong in ({"retry": {"tires": 1}}, {"retry": {"tries": 0}}, {"filter": {"rate": "on"}}, {"no.such": 1}):
        assert not SCHEMA.is_valid(wrong)
    assert SCHEMA.is_valid({"filter": {"compress": True, "rate": False}})


def test_conditions_have_a_schema_of_their_own():
    schema = Draft202012Validator(conditions_schema())
    assert schema.is_valid({"header": {"X-Beta": 1}, "method": ["GET"]})
    assert not schema.is_valid({"headers": {}})
