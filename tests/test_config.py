from __future__ import annotations

import pytest
from msgspec import json, structs

from tidegate.config import Config


def test_the_admin_api_listens_on_loopback_only():
    assert {address.host for address in Config().admin.listeners} == {"127.0.0.1"}


def test_every_wait_has_a_deadline():
    sections = (getattr(Config(), field.name) for field in structs.fields(Config))
    waits = {
        field.name: getattr(section, field.name)
        for section in sections
        if hasattr(section, "__struct_fields__")
        for field in structs.fields(section)
        if field.name.endswith("_seconds")
    }
    assert waits
    assert all(0 < seconds < 86400 for seconds in waits.values())


def test_a_configuration_cannot_be_changed():
    with pytest.raises(AttributeError):
        Config().workers = 4


def test_a_configuration_crosses_a_process_boundary_whole():
    config = Config(workers=3, files=("static.yaml",))
    assert json.decode(json.encode(config), type=Config) == config
