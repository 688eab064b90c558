"""Benches through sockets.

`sample` the values · `summary` medians and ratios (pure) · `program` one process tree, pinned and accounted · `packages` where
peers come from · `proxies`, `resolvers` how each peer is configured · `backend`, `loopback`, `engine_program`, `wrk`, `openloop`, `dnsperf` the two ends of the
traffic · `asker`, `steady`, `websockets` clients, `actors` containers a script plays, `followers`, `caddy_push` proxies that follow an engine ·
`watch` good traffic, `havoc` disturbing clients, `misbehaving` a backend · `http`, `dns`, `churn`, `deploys` (its `deploy_scenarios`), `faults`, `idle`, `routes`, `probing` what is measured · `sheets`, `report`, `chart` what is
written.
"""
