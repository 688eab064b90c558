"""Benches through sockets.

`sample` the values · `summary` medians and ratios (pure) · `program` one process tree, pinned and accounted · `packages` where
peers come from · `proxies`, `resolvers` how each peer is configured · `backend`, `loopback`, `engine_program`, `wrk`, `openloop`, `dnsperf` the two ends of the
traffic · `asker`, `steady`, `websockets` clients, `actors` containers a script plays, `followers`, `caddy_push` proxies that follow an engine ·
`dockerd` a real engine, `replica` what runs in its containers (`replica_image`), `stage` a service of them, `crowd` its users, `releasers` how each proxy is
told of another version · `watch` good traffic, `havoc` disturbing clients, `misbehaving` a backend · `http`, `dns`, `churn`, `deploys` (its `deploy_scenarios`), `faults`, `idle`, `routes`, `probing`, `releases`, `rollbacks` what is measured · `sheets`, `report`, `chart` what is
written.
"""
