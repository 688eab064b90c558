"""Shared fixtures live in tests/support; this file only makes the tree importable as `tests.*`."""

pytest_plugins = [
    "tests.support.blocking",
    "tests.support.docker_engine",
    "tests.support.etcd",
    "tests.support.noskip",
]
