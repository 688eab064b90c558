"""Revisioned key-value store for what must survive: overrides, releases, last known state.

`port.py` is the interface (get, list, transaction with compare, watch that resumes, lease); `sqlite.py` is embedded.
A write is durable before its effect is visible.
"""
