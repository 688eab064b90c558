"""Decides and acts: `reconciler` builds and publishes tables, `overrides` keeps what the operator set, `admin` is the API. Only the reconciler publishes."""
