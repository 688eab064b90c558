from __future__ import annotations

import json

from tests.support.cli import piped


def test_the_schema_is_printed_as_json():
    done = piped("schema")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["title"] == "Tidegate static file"
    assert piped("schema", "--json").json["data"] == json.loads(done.out)
