from __future__ import annotations

import msgspec
import pytest

from tidegate.cli.catalogue import BY_KEY, BY_VARIABLE, SETTINGS
from tidegate.config import Config


def fields_of_config():
    for field in msgspec.structs.fields(Config):
        value = getattr(Config(), field.name)
        if isinstance(value, msgspec.Struct):
            yield from (f"{field.name}.{inner.name}" for inner in msgspec.structs.fields(type(value)))
        else:
            yield field.name


def test_every_field_of_the_configuration_can_be_set():
    assert set(BY_KEY) == set(fields_of_config())


def test_variables_and_flags_are_unique():
    assert len(BY_VARIABLE) == len(SETTINGS)
    flags = [setting.flag for setting in SETTINGS if setting.flag]
    assert len(set(flags)) == len(flags)


@pytest.mark.parametrize(
    "key", [name for name in fields_of_config() if ".max_" in name or name.endswith("drain_seconds")]
)
def test_drains_and_limits_have_flags(key):
    assert BY_KEY[key].flag
