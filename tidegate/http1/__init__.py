"""HTTP/1 on the wire. Sans-io and compiled; knows nothing of sockets, routes or tables.

values: `events`. Bytes to head: `request` and `response`, both on `lines` (one pass over the field lines), `fields` (what a line
means), `authority` and `target` (their two hard parts), `characters` (classes). Bodies: `chunks`. Head to bytes: `writer`.
Nothing here raises for any input: a head comes back with a `Reason`, a body with `error` set.
"""
